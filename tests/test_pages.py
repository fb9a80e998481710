"""README.md, the pages in docs/ and their examples, and the site."""

import re

import pytest

import glacier_magic
from scripts.write_examples import EXAMPLE, outputs, pages
from scripts.write_notebooks import first_words
from tests import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page):
    """Also the pictures, and from the pages as a host of the source shows them."""
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_the_site_has_every_page():
    """Each is in the navigation."""
    site = (ROOT / "zensical.toml").read_text("utf-8")
    pages = [f"{path.name}" for path in (ROOT / "docs").glob("*.md")]
    pages += [f"notebooks/{path.stem}.md" for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert [page for page in pages if f'"{page}"' not in site] == []


def test_every_public_name_is_on_the_page_about_python():
    """The errors are there as one module."""
    shown = re.findall(r"^::: glacier_magic\.(\w+)$", (ROOT / "docs/python.md").read_text("utf-8"), re.M)
    errors = {name for name in glacier_magic.__all__ if hasattr(glacier_magic.errors, name)}
    assert {*shown, *errors, "__version__"} == {*glacier_magic.__all__, "errors"}


def test_every_exit_code_is_on_the_page_about_settings():
    """With the errors that have it."""
    rows = re.findall(r"^\| (\d+) \| .+ \| (.*) \|$", (ROOT / "docs/settings.md").read_text("utf-8"), re.M)
    shown = {(name, int(code)) for code, names in rows for name in re.findall(r"`(\w+)`", names)}
    kinds = [kind for kind in vars(glacier_magic.errors).values() if isinstance(kind, type)]
    codes = {
        (kind.__name__, kind.exit_code) for kind in kinds if issubclass(kind, glacier_magic.GlacierError)
    }
    assert shown == codes - {("GlacierError", 1)}


def test_pictures_are_small():
    """All together load quickly."""
    assert sum(file.stat().st_size for file in (ROOT / "docs/pictures").iterdir()) < 1_000_000


@pytest.mark.kernel
@pytest.mark.parametrize("name", pages())
def test_the_examples_of_a_page_show_what_it_says(name):
    """The first words of each output are those of a new run: run scripts/write_examples.py."""
    page = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    written = [example["output"] or "" for example in EXAMPLE.finditer(page) if not example["hidden"]]
    shown = [
        text
        for example, text in zip(EXAMPLE.finditer(page), outputs(page), strict=True)
        if not example["hidden"]
    ]
    assert [first_words(text) for text in written] == [first_words(text) for text in shown]
