"""What a terminal showed, as a picture: the same bytes for the same walk, wherever it is run."""

import html
import io
import re

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

# As rich's own, without fonts from other people's hosts: an image in a README may not load any.
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix {{
        font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
        font-size: {char_height}px;
        line-height: {line_height}px;
        font-variant-east-asian: full-width;
    }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})"
       clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""

# Each keeps its width, so that nothing around it moves.
_CHANGING = (
    (re.compile(r"/tmp/lab-[a-z0-9_]{8}/"), "/home/you/chiffon/"),
    (re.compile(r"(?<=Digest )[0-9a-f]{16}"), "5eed0123456789ab"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "2026-01-31 12:00 UTC"),
    (re.compile(r"(?<![\d.])\d\.\d s"), "0.5 s"),
)


def calmed(text: str) -> str:
    """Return `text` with what differs from walk to walk replaced."""
    for changing, settled in _CHANGING:
        text = changing.sub(settled, text)
    return text


def drawn(raw: bytes, command: str, *, rows: int, columns: int) -> str:
    """Return an SVG of the screen after `raw`, the command that was typed above it."""
    console = Console(record=True, file=io.StringIO(), width=columns, highlight=False)
    console.print(Text.assemble(("$ ", "bold green"), command), soft_wrap=True)
    for line in _lines(raw, rows, columns):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    svg = console.export_svg(title="chiffon ask", theme=MONOKAI, code_format=_SVG, unique_id="walk")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def words_of(picture: str) -> str:
    """Return what can be read in a picture, for a comparison that says what differs."""
    lines: dict[float, str] = {}
    for y, text in re.findall(r'<text [^>]*?y="([\d.]+)"[^>]*>([^<]*)</text>', picture):
        lines[float(y)] = lines.get(float(y), "") + html.unescape(text)
    return "\n".join(text.replace("\xa0", " ").rstrip() for _, text in sorted(lines.items()))


def _lines(raw: bytes, rows: int, columns: int) -> list[Text]:
    screen = pyte.Screen(columns, rows)
    pyte.ByteStream(screen).feed(raw)
    lines = [
        _line([screen.buffer[row][column] for column in range(columns)]) for row in range(rows)
    ]
    while lines and not lines[-1].plain:
        lines.pop()
    return lines


def _line(cells: list[Char]) -> Text:
    """Return one line of the screen; a colour stays where it is, since widths are kept."""
    plain = calmed("".join(cell.data for cell in cells).rstrip())
    line = Text(plain)
    for column in range(len(plain)):
        line.stylize(_style(cells[column]), column, column + 1)
    return line


def _style(cell: Char) -> Style:
    colour = {"default": None, "brown": "yellow"}.get(cell.fg, cell.fg)
    if colour is not None and re.fullmatch(r"[0-9a-f]{6}", colour):
        colour = f"#{colour}"
    return Style(color=colour, bold=cell.bold, italic=cell.italics)
