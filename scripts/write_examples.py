"""Run the examples of the pages in docs/, and write their outputs below them.

python scripts/write_examples.py              # all pages, in about two minutes
python scripts/write_examples.py uploads      # some of them

An example is a block of Python or shell, followed by a block of text with its output.  Those of a page run
in one kernel, as a notebook of scripts/write_notebooks.py does, with what comments add to them:

<!-- run
%glacier emulator seed photos 100
-->

An output that begins with the name of an error is expected to be one.  ``<!-- 9 lines -->`` before an example
cuts its output after nine lines.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

sys.path.insert(0, str(Path(__file__).parents[1]))

from glacier_magic import errors
from scripts.write_notebooks import is_progress, run, scrub

DOCS = Path(__file__).parents[1] / "docs"
LINES = r"(?:(?!```|-->).*\n)*"
EXAMPLE = re.compile(
    rf"<!-- run\n(?P<hidden>{LINES})-->\n|"
    rf"(?:<!-- (?P<count>\d+) lines -->\n)?```(?P<kind>python|sh)\n(?P<code>{LINES})```\n\n"
    rf"```text\n(?P<output>{LINES})```\n"
)


def pages() -> list[str]:
    """Return the names of the pages that have examples."""
    return sorted(path.stem for path in DOCS.glob("*.md") if EXAMPLE.search(path.read_text("utf-8")))


def outputs(page: str) -> list[str]:
    """Run the examples of a page; return what each shows."""
    examples = list(EXAMPLE.finditer(page))
    notebook = nbformat.v4.new_notebook(cells=[_cell(example) for example in examples])
    base = Path(tempfile.mkdtemp())
    try:
        run(notebook, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return [
        _shown(scrub(cell.outputs, base), example["count"])
        for cell, example in zip(notebook.cells, examples, strict=True)
    ]


def _cell(example: re.Match[str]) -> Any:
    cell = nbformat.v4.new_code_cell(example["hidden"] or example["code"])
    if example["kind"] == "sh":
        cell.source = f"%%bash\nexec 2>&1\n{cell.source}"
    name = (example["output"] or "").partition(":")[0]
    if hasattr(errors, name):
        cell.metadata.tags = ["raises-exception"]
    return cell


def _shown(cell_outputs: list[Any], count: str | None) -> str:
    shown = ""
    for output in cell_outputs:
        if is_progress(output):
            continue
        text = "\n".join(output.get("traceback", ())) or output.get("text") or output["data"]["text/plain"]
        if "needs a live notebook" not in text:
            # A stream comes in pieces, which end anywhere.
            shown += text if output["output_type"] == "stream" else f"{text}\n"
    lines = re.sub(r"\x1b\[[\d;]*m|[ \t]+$", "", shown.rstrip(), flags=re.M).splitlines()
    if count and len(lines) > int(count):
        lines[int(count) :] = ["..."]
    return "".join(f"{line}\n" for line in lines)


def written(page: str) -> str:
    """Return a page with the outputs of a new run."""
    results = iter(outputs(page))

    def fill(example: re.Match[str]) -> str:
        result = next(results)
        if example["hidden"]:
            return example[0]
        start, end = (place - example.start() for place in example.span("output"))
        return example[0][:start] + result + example[0][end:]

    return EXAMPLE.sub(fill, page)


def main() -> None:
    """Write the pages that are named, or all."""
    for name in sys.argv[1:] or pages():
        path = DOCS / f"{name}.md"
        path.write_text(written(path.read_text("utf-8")), "utf-8")
        print(f"docs/{name}.md")


if __name__ == "__main__":
    main()
