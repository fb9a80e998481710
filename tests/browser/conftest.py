"""A real JupyterLab and a real Chromium, once for all browser tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest

from glacier_magic import emulator
from tests import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@dataclass
class Lab:
    """A running JupyterLab whose root is a folder of its own."""

    url: str
    token: str
    root: Path
    emulator: Path
    data: Path
    process: subprocess.Popen[bytes]
    start: Callable[[int], subprocess.Popen[bytes]]

    def restart(self) -> None:
        """End the server, and start it at the same address, where open pages find it."""
        end(self.process)
        self.process = self.start(int(self.url.rpartition(":")[2].strip("/")))
        base = self.root.parent
        assert wait_for_server(base / "jupyter_runtime_dir", self.process, base / "lab.log") == self.url

    def add(self, notebook: Path) -> str:
        """Copy a notebook without its outputs, for ``run_all`` waits for the first."""
        copied = nbformat.read(notebook, as_version=4)
        for cell in copied.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(copied, self.root / notebook.name)
        return notebook.name

    def address(self, name: str) -> str:
        return f"{self.url}lab/tree/{name}?token={self.token}&reset"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("lab")) as found:
        yield found


@contextmanager
def running(base: Path) -> Iterator[Lab]:
    """Run a JupyterLab with settings and an emulator of its own in *base*."""
    root, emulated = base / "root", base / "emulator"
    root.mkdir()
    environment = {k: v for k, v in os.environ.items() if k[:4] not in ("AWS_", "JUPY")}
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        environment[name] = str(base / name.lower())
    environment |= {
        "GLACIER_MAGIC_HOME": str(base / "home"),
        "GLACIER_MAGIC_EMULATOR": str(emulated),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    # The panel of this tree: an editable install has a copy of that time.
    panel = base / "jupyter_path" / "labextensions" / "glacier_magic"
    panel.parent.mkdir(parents=True)
    panel.symlink_to(ROOT / "glacier_magic" / "notebook" / "lab" / "labextension")
    environment["JUPYTER_PATH"] = str(base / "jupyter_path")
    _settle(Path(environment.setdefault("JUPYTERLAB_SETTINGS_DIR", str(base / "settings"))))
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        "--IdentityProvider.token=secret",
    ]

    def start(port: int) -> subprocess.Popen[bytes]:
        with (base / "lab.log").open("a") as log:
            return subprocess.Popen(
                [*command, f"--ServerApp.port={port}"],
                env=environment,
                stdout=log,
                stderr=log,
                cwd=root,
                start_new_session=True,
            )

    process = start(0)
    lab = None
    try:
        url = wait_for_server(Path(environment["JUPYTER_RUNTIME_DIR"]), process, base / "lab.log")
        lab = Lab(url, "secret", root, emulated, Path(environment["JUPYTER_DATA_DIR"]), process, start)
        yield lab
    finally:
        end(lab.process if lab else process)
        emulator.stop(emulated)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and its children, cleanly if it does so within 10 seconds."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _settle(folder: Path) -> None:
    """Keep every cell in the page, also out of sight, and ask nothing about news."""
    for plugin, settings in (
        ("notebook-extension/tracker", {"windowingMode": "none"}),
        ("apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False}),
    ):
        file = folder / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))


def wait_for_server(runtime: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address of a Jupyter server once it answers there."""
    for _ in range(600):
        for file in runtime.glob("jpserver-*.json"):
            with suppress(ValueError, KeyError, OSError):  # it is written first
                url = str(json.loads(file.read_text())["url"])
                place = urlsplit(url)
                socket.create_connection((place.hostname, place.port), 5).close()
                return url
        if process.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail(f"The server did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    # Its event loop runs in this thread: it must not outlive the browser tests.
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed, and in CI the browser tests must run")
        pytest.skip("chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


@pytest.fixture
def shots() -> Callable[[Any, str], None]:
    """Save a screenshot where SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("SCREENSHOTS")

    def take(page: Any, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(Path(folder) / f"{name}.png"))

    return take


def open_notebook(page: Any, lab: Lab, name: str) -> None:
    """Open a notebook and wait until its kernel answers."""
    page.goto(lab.address(name))
    _wait_for_kernel(page)


ASKED = ".jp-Dialog button.jp-mod-accept"
"""The button of the question for a kernel, which a slow start asks at any moment."""


def _wait_for_kernel(page: Any) -> None:
    """Wait until the kernel shows itself idle; the page is loaded anew where it waits for none."""
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first
    asked = page.locator(ASKED).first
    for _ in range(3):
        page.locator(".jp-NotebookPanel").first.wait_for()
        for _ in range(120):
            page.wait_for_timeout(500)
            if asked.is_visible():
                asked.click()
            elif idle.is_visible():
                return
        page.reload()
    pytest.fail("no kernel is idle")


def run_all(page: Any) -> None:
    """Run every cell and wait for the end of the first; the page is loaded anew where a kernel that
    is not busy does not begin with it, for what a page asks before it is connected is lost."""
    first = page.locator(".jp-CodeCell .jp-InputPrompt").first
    asked = page.locator(ASKED)
    page.add_locator_handler(asked, lambda button: button.click())
    for _ in range(3):
        _press_run_all(page, first)
        if _has_ended(page, first):
            page.remove_locator_handler(asked)
            return
        page.reload()
        _wait_for_kernel(page)
    pytest.fail("the notebook did not run")


def _press_run_all(page: Any, first: Any) -> None:
    """Press again until the first cell has begun: a kernel shows itself idle before the page is
    connected to it."""
    for _ in range(20):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
        page.wait_for_timeout(1500)
        if first.inner_text().strip() not in ("[ ]:", "[]:"):
            return


def _has_ended(page: Any, first: Any) -> bool:
    """Return whether the first cell gets its number before its kernel is at rest for 20 seconds."""
    rest = 0
    for _ in range(240):
        if any(letter.isdigit() for letter in first.inner_text()):
            return True
        idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").count()
        rest = rest + 1 if idle else 0
        if rest == 40:
            return False
        page.wait_for_timeout(500)
    return False


def wait_idle(page: Any, timeout: float = 120_000) -> None:
    """Wait until no cell is running or waiting."""
    page.wait_for_function(
        """() => ![...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
                 .some(e => e.innerText.includes('*'))""",
        timeout=timeout,
    )


def cell(page: Any, code: str) -> Any:
    """Return the code cell whose source holds *code*."""
    return page.locator(".jp-CodeCell").filter(has=page.locator(".jp-InputArea", has_text=code)).first


def accessible(page: Any, within: str) -> None:
    """Fail where axe finds a serious violation in the elements *within*."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        if os.environ.get("CI"):
            pytest.fail("axe is not installed, and in CI these tests must run")
        pytest.skip("axe is not installed: pip install axe-playwright-python")
    found = Axe().run(page, context=within).response["violations"]
    serious = [
        f"{v['id']} ({v['impact']}): {v['help']}: {[node['html'][:200] for node in v['nodes'][:3]]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
