"""Write docs/verbs.md and the list of verbs in README.md from the verbs' own declarations.

python scripts/write_reference.py           # write both
python scripts/write_reference.py --check   # fail where they differ from what would be written
"""

from __future__ import annotations

import re
import sys
from argparse import Action
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from glacier_magic.commands.grammar import Verb
from glacier_magic.commands.verbs import GROUPS, VERBS

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- verbs: made by scripts/write_reference.py -->", "<!-- end of verbs -->"


def reference() -> str:
    """Return docs/verbs.md."""
    lines = [
        "# Verbs",
        "",
        "Each verb is the same in a notebook (`%glacier VERB`) and in a shell "
        "(`glacier-magic VERB`). This page is made from what `VERB --help` shows.",
        "",
    ]
    for title, verbs in GROUPS.items():
        lines += [f"## {title}", ""]
        for name in filter(None, verbs):
            lines += _of_verb(VERBS[name])
    return "\n".join(lines)


def _of_verb(verb: Verb) -> list[str]:
    parser = verb.parser("%glacier")
    lines = [f"### {verb.name}", "", f"{verb.summary[:1].upper()}{verb.summary[1:]}.", ""]
    if verb.examples:
        lines += ["```"]
        for line, what in verb.examples:
            lines.append(f"%glacier {line}" + (f"    # {what}" if what else ""))
        lines += ["```", ""]
    rows = [_row(action) for actions in parser.sections().values() for action in actions]
    if rows:
        lines += ["| word or option | meaning |", "| --- | --- |", *rows, ""]
    for paragraph in verb.details.split("\n\n"):
        lines += [_text(paragraph), ""] if paragraph else []
    return lines


def _row(action: Action) -> str:
    value = action.metavar or "|".join(map(str, action.choices or ()))
    name = ", ".join(action.option_strings) or str(value)
    shown = f"{name} {value}" if action.option_strings and action.nargs != 0 else name
    return f"| `{_cell(shown)}` | {_cell(_text(action.help or ''))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _text(text: str) -> str:
    return re.sub(r"[*[]", r"\\\g<0>", text.replace("\n", " ").replace("<", "&lt;"))


def listing() -> str:
    """Return the table of README.md: a line for each group."""
    rows = ["| | |", "| --- | --- |"]
    for title, verbs in GROUPS.items():
        names = ", ".join(f"[`{v}`](docs/verbs.md#{v})" for v in verbs if v)
        rows.append(f"| {title} | {names} |")
    return "\n".join(rows)


def written() -> dict[Path, str]:
    """Return the files with what they should hold."""
    readme = (ROOT / "README.md").read_text("utf-8")
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return {
        ROOT / "docs" / "verbs.md": reference(),
        ROOT / "README.md": f"{before}{BEGIN}\n{listing()}\n{END}{after}",
    }


def main() -> None:
    """Write the files, or compare them."""
    wrong = [path for path, text in written().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in wrong:
            print(f"{path.relative_to(ROOT)} is not what scripts/write_reference.py writes")
        sys.exit(bool(wrong))
    for path in wrong:
        path.write_text(written()[path], "utf-8")


if __name__ == "__main__":
    main()
