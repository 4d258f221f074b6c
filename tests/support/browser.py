"""Debian's Chromium, driven by Playwright, and what a page said that it should not have."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PAGES: Final = Path(__file__).parents[2] / "coordinator" / "http" / "static" / "index.html"
_AXE: Final = Path(__file__).parents[2] / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
_WITHIN_MS: Final = 15_000


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser without a screen."""
    program = shutil.which("chromium")
    assert program, "there is no Chromium; tools/install-test-services.sh installs it"
    assert _PAGES.is_file(), "the dashboard is not built: make dashboard"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page of the control room, and every complaint of it."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to *path*, and wait until its view is there."""
        self.page.goto(f"{self.address}{path}")
        self.page.locator("main h1, main .empty-title").first.wait_for()

    def faults(self) -> list[str]:
        """Name the serious faults that axe finds in what is shown."""
        if not self._has_axe():
            self.page.evaluate(_AXE.read_text())  # as a debugger does: the page itself may not
        found: dict[str, Any] = self.page.evaluate(
            "() => axe.run(document, {resultTypes: ['violations']})"
        )
        return [
            f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:200]}"
            f" {' '.join(check['message'] for check in node['any'])[:200]}"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]

    def _has_axe(self) -> bool:
        return bool(self.page.evaluate("() => 'axe' in window"))


@contextlib.contextmanager
def watched_page(
    browser: Browser, address: str, *, link: str | None = None, **context: Any
) -> Iterator[Watched]:
    """Open a page that signs in by *link*; every error of it is a complaint."""
    opened = browser.new_context(
        reduced_motion="reduce", timezone_id="UTC", bypass_csp=False, **context
    )
    opened.set_default_timeout(_WITHIN_MS)
    page = opened.new_page()
    watched = Watched(page, address)

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            watched.complaints.append(f"{page.url}: {message.text}")

    page.on("console", hear)
    page.on("pageerror", lambda error: watched.complaints.append(f"{page.url}: {error}"))
    try:
        if link is not None:
            page.goto(f"{address}/api/orchestrator/signin?link={link}")
        yield watched
    finally:
        opened.close()
