"""Load the plugins of the tests; fixtures stand in tests/conftest.py."""

pytest_plugins = (
    "pytester",
    "tests.plugins.compiled",
    "tests.plugins.garbage",
    "tests.plugins.logs",
    "tests.plugins.measured",
    "tests.plugins.missing",
    "tests.plugins.order",
    "tests.plugins.scratch",
)
