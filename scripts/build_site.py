"""Build the documentation site from docs/, the notebooks and two other pages, strictly.

python scripts/build_site.py
python -m http.server --directory build/site    # without a server all but the search works

A link or reference that leads nowhere fails the build, as does a page that loads anything from elsewhere.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES, SITE = ROOT / "build" / "docs", ROOT / "build" / "site"
ELSEWHERE = {"glacier_magic/emulator/README.md": "emulator-reference.md", "CHANGELOG.md": "changes.md"}
"""Pages of the site that are not in docs/."""
LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^\"'>\s]+")


def gather() -> None:
    """Put all pages into one folder, with links between them as that folder needs them."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES)
    (PAGES / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        text = of_notebook(json.loads(path.read_text("utf-8")))
        (PAGES / "notebooks" / f"{path.stem}.md").write_text(
            re.sub(r"\]\((\w+)\.ipynb\)", r"](\1.md)", text), "utf-8"
        )
    for source, name in ELSEWHERE.items():
        text = (ROOT / source).read_text("utf-8")
        (PAGES / name).write_text(text.replace("](docs/", "]("), "utf-8")
    for path in PAGES.glob("*.md"):
        text = re.sub(r"\]\(\.\./(notebooks/\w+)\.ipynb\)", r"](\1.md)", path.read_text("utf-8"))
        for source, name in ELSEWHERE.items():
            text = text.replace(f"](../{source}", f"]({name}")
        path.write_text(text, "utf-8")


def of_notebook(notebook: dict[str, Any]) -> str:
    """Return a notebook as a page."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [_output(output) for output in cell.get("outputs", ())]
    return "\n\n".join(parts) + "\n"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        html = re.sub(r"<style\b.*?</style>", "", "".join(data["text/html"]), flags=re.S)
        html = re.sub(r"\s*\n\s*", "", html)  # a blank line would end the block
        html = html.replace("<details><summary>Saved", "<details open><summary>Saved")
        return f'<div class="output">{html}</div>'
    text = "".join(output.get("text", ())) or "".join(data.get("text/plain", ()))
    text = text or re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output.get("traceback", ())))
    return f"```text\n{text.rstrip()}\n```"


def main() -> None:
    """Build the site; exit with 1 where it is not whole."""
    gather()
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--clean", "--strict"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        issues = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)
        sys.exit(issues.partition("Traceback")[0] or issues)
    loading = [
        f"{path.relative_to(SITE)}: {found}"
        for path in SITE.rglob("*.html")
        for found in LOADED.findall(path.read_text("utf-8"))
        if 'rel="canonical"' not in found
    ]
    if loading:
        sys.exit("\n".join(["These pages load something from elsewhere:", *loading]))
    print(f"build/site: {len(list(SITE.rglob('*.html')))} pages")


if __name__ == "__main__":
    main()
