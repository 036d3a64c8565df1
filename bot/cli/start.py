"""`chiffon up`, its first moment: what can be refused is refused before the rest is loaded."""

import sys

import typer

from bot.cli.listen import listening_socket
from bot.cli.loading import loaded
from orchestrator.errors import ChiffonError
from orchestrator.home_lock import owned_home
from orchestrator.offhost import require_safe
from orchestrator.settings import load_settings


def up() -> int:
    """Run until a signal stops it; return the exit status."""
    try:
        settings = load_settings()
        require_safe(settings)
        with owned_home(settings), listening_socket(settings) as listener:
            loaded("bot.cli.up").run(settings, listener)
    except ChiffonError as fault:
        typer.echo(f"{fault}", err=True)
        return 1
    return 0


main = up

if __name__ == "__main__":
    sys.exit(main())
