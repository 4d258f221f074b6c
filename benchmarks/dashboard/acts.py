"""What people do in the pages: each act with how it is done and what shows that it was answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from playwright.sync_api import Page

WITHIN_MS: Final = 10_000
PAUSE_MS: Final = 150
"""Between two acts, so that none is timed with what the one before has left to do."""

ROWS: Final = "[...document.querySelectorAll('.tasks-list tr[data-row]')]"
NAMES: Final = f"{ROWS}.map(row => row.querySelector('a').textContent)"
SETTLED: Final = "document.querySelector('.data-table').ariaBusy !== 'true'"
ORDERED: Final = (
    f"{NAMES}.length > 10 && {NAMES}.every((one, n, all) => !n || all[n - 1] {{sign}} one)"
)
BADGES: Final = f"{ROWS}.map(row => row.querySelector('.badge').textContent.trim())"
TOTAL: Final = "Number(document.querySelector('.data-table table').ariaRowCount)"
LOADED: Final = (
    f"{ROWS}.some(row => {{{{ const at = Number(row.ariaRowIndex); "
    "return row.querySelector('a') && {}; }})"
)
AGENT: Final = (
    "document.querySelector('.view-head .badge') !== null"
    " && document.querySelectorAll('main .panel').length > 2"
)
NAMED: Final = (
    "[...document.querySelectorAll('[cmdk-item]')].some(one => one.textContent.includes('{}'))"
)
TOLD: Final = "[...document.querySelectorAll('.toast')].some(one => one.textContent.includes('{}'))"
DIALOG: Final = "document.querySelector('dialog[open]')"
HEARD: Final = f"({DIALOG}?.textContent.includes('Asking') ?? true)"
VIEWS: Final = {
    "Now": "document.querySelectorAll('.tile').length > 4",
    "Fleet": "hasInk(document.querySelector('.heat canvas'))",
    "Tasks": f"{ROWS}.length > 10",
    "Timeline": "hasInk(document.querySelector('.timeline canvas'))",
    "Plan": "document.querySelector('.plan-json .cm-line') !== null",
    "Limits & caps": "document.querySelectorAll('.limit-use').length > 1",
    "Reliability": "document.querySelector('.figures .tile') !== null",
    "Events": "document.querySelectorAll('.event-line').length > 10",
    "Alerts": "document.querySelectorAll('main .panel').length > 1",
}
"""Of each view, what is there when it shows what is asked for."""


@dataclass
class Took:
    """How long one act took, in milliseconds; infinite is not within :data:`WITHIN_MS`."""

    act: str
    responded_ms: float
    """Until the page showed that it has heard, where the fleet must store something first."""
    answered_ms: float
    stores: bool

    @property
    def response_ms(self) -> float:
        """What counts as the response."""
        return self.responded_ms if self.stores else self.answered_ms


@dataclass
class Person:
    """Somebody at a screen, timed."""

    page: Page
    took: list[Took] = field(default_factory=list)

    def act(
        self,
        name: str,
        do: Callable[[], object],
        answered: str,
        responded: str | None = None,
    ) -> None:
        """Do something; *answered* and *responded* are JavaScript, of what is then shown."""
        page = self.page
        page.wait_for_timeout(PAUSE_MS)
        page.evaluate(f"() => stopwatch.arm(() => {responded or answered}, () => {answered})")
        do()
        found = page.evaluate(f"() => stopwatch.result({WITHIN_MS})")
        first, last = (float("inf") if one is None else float(one) for one in found[:2])
        self.took.append(Took(name, first, last, responded is not None))

    def press(self, *keys: str) -> Callable[[], None]:
        """Return what presses *keys*; the last is what is timed."""
        for key in keys[:-1]:
            self.page.keyboard.press(key)
        return lambda: self.page.keyboard.press(keys[-1])

    # --- views

    def look_around(self) -> None:
        """Open every view by its link."""
        for name, shown in VIEWS.items():
            link = self.page.locator(".places").get_by_role("link", name=name)
            heading = f"document.querySelector('main h1')?.textContent === '{name}'"
            self.act(f"open {name}", link.click, f"{heading} && {shown}")

    def open(self, name: str) -> None:
        """Go to a view, untimed."""
        self.page.locator(".places").get_by_role("link", name=name).click()
        self.page.wait_for_function(f"() => {VIEWS[name]}")

    # --- tasks

    def list_tasks(self) -> None:
        """Filter, sort, search, and go to the end of the list."""
        page = self.page
        self.open("Tasks")
        for status in ("pending", "completed"):
            button = page.locator(".filters").get_by_role("button", name=status)
            only = f"{ROWS}.length > 10 && {BADGES}.every(one => one.startsWith('{status}'))"
            self.act("filter by status", button.click, only)
            self.act(
                "take the filter away",
                button.click,
                f"new Set({BADGES}).size > 1 || {ROWS}[0]?.textContent.includes('flow')",
            )
        self.act(
            "filter by mode",
            lambda: page.get_by_label("Mode").select_option("swim"),
            f"{ROWS}.length > 10 && {ROWS}.every(row => row.textContent.includes('swim'))",
        )
        page.get_by_label("Mode").select_option("")
        for column, up, like_that in (
            ("Name", True, ORDERED.format(sign="<=")),
            ("Name", False, ORDERED.format(sign=">=")),
            ("Priority", True, f"{ROWS}[0]?.textContent.includes('normal')"),
            ("Created", False, f"{ROWS}[0]?.textContent.includes('flow')"),
        ):
            way = "ascending" if up else "descending"
            title = f"document.querySelector('th[aria-sort={way}]')?.textContent"
            said = f"{title}?.startsWith('{column}')"
            header = page.locator("th").get_by_role("button", name=column)
            shown = f"{said} && {like_that} && {SETTLED}"
            self.act(f"sort by {column.lower()}", header.click, shown)
        page.get_by_role("searchbox").click()
        page.keyboard.type("marsh 123", delay=60)
        found = f"{NAMES}.length > 3 && {NAMES}.every(one => one.includes('marsh 1237'))"
        self.act("search", self.press("7"), found)
        page.get_by_role("searchbox").fill("")
        page.wait_for_timeout(600)
        page.locator(".data-table").focus()
        self.act("scroll to the end", self.press("End"), LOADED.format(f"at >= {TOTAL} - 25"))
        self.act("scroll to the top", self.press("Home"), LOADED.format("at === 2"))
        middle = LOADED.format(f"Math.abs(at - {TOTAL} / 2) < 60")
        self.act("drag to the middle", self._drag_to_the_middle, middle)
        self.press("Home")()
        page.wait_for_timeout(300)
        self.act("next row", self.press("j"), "document.querySelector('tr[data-cursor]') !== null")
        self.act(
            "select a row", self.press("x"), "document.querySelector('tr[data-chosen]') !== null"
        )
        self.act(
            "select all that are loaded",
            page.get_by_label("Select every row").click,
            "document.querySelectorAll('tr[data-chosen]').length > 10",
        )
        self.act(
            "clear the selection",
            page.get_by_role("button", name="Clear").click,
            "document.querySelector('.bulk') === null",
        )

    def _drag_to_the_middle(self) -> None:
        # What the browser does when its scroll bar is dragged; a wheel would take a thousand turns.
        self.page.evaluate(
            """() => { const one = document.querySelector('.data-table');
            window.dispatchEvent(new Event('input'));
            one.scrollTop = (one.scrollHeight - one.clientHeight) / 2; }"""
        )

    def act_on_many(self, turn: int) -> None:
        """Pause, resume and cancel what is selected, each after its preview."""
        page = self.page
        self.open("Tasks")
        page.get_by_role("searchbox").fill(f"Mail round 1{turn + 1}")
        page.wait_for_timeout(600)
        for verb in ("Pause", "Resume", "Cancel"):
            page.get_by_label("Select every row").click()
            self.act(
                f"preview of {verb.lower()} of many",
                page.get_by_role("button", name=f"{verb} …").click,
                f"{DIALOG}?.textContent.includes(' would be ')",
                f"{DIALOG} !== null",
            )
            page.get_by_label("Reason").fill("because of the benchmark")
            self.act(
                f"{verb.lower()} many",
                page.get_by_role("dialog").get_by_role("button", name=f"{verb} ").click,
                f"{DIALOG} === null && document.querySelector('.bulk') === null",
                HEARD,
            )
            page.wait_for_timeout(1500)
        page.get_by_role("searchbox").fill("")

    def create(self, number: int) -> None:
        """Create a task, and see it in the list."""
        page = self.page
        self.open("Tasks")
        self.act(
            "open the form of a new task",
            self.press("c"),
            "document.querySelector('dialog[open] input[name=name]') !== null",
        )
        name = f"made by hand {number}"
        page.get_by_role("dialog").get_by_label("Name").fill(name)
        page.get_by_role("dialog").get_by_label("Mode").fill("noop")
        self.act(
            "create a task",
            page.get_by_role("dialog").get_by_role("button", name="Create").click,
            TOLD.format(name),
            "document.querySelector('dialog[open]')?.textContent.includes('Storing') ?? true",
        )
        page.wait_for_timeout(300)

    def one_task(self, status: str) -> None:
        """Open a task, and read why it waits."""
        page = self.page
        self.open("Tasks")
        page.locator(".filters").get_by_role("button", name=status).click()
        page.wait_for_timeout(700)
        headline = "document.querySelector('.headline') !== null"
        self.act(f"open a {status} task", page.locator("tr[data-row] a").first.click, headline)
        if status == "running":
            for verb in ("Pause", "Resume"):
                page.get_by_role("button", name=verb, exact=True).click()
                page.get_by_label("Reason").fill("because of the benchmark")
                self.act(
                    f"{verb.lower()} a task",
                    page.get_by_role("dialog").get_by_role("button", name=f"{verb} the").click,
                    f"{DIALOG} === null",
                    HEARD,
                )
                page.get_by_role("button", name="Resume" if verb == "Pause" else "Pause").wait_for()
        page.go_back()
        page.wait_for_timeout(300)
        page.locator(".filters").get_by_role("button", name=status).click()

    # --- agents

    def agents(self, turn: int) -> None:
        """Filter, sort and act on agents."""
        page = self.page
        self.open("Fleet")
        count = "document.querySelector('main h1').nextElementSibling.textContent"
        self.act(
            "filter agents by status",
            lambda: page.get_by_label("Status").select_option("busy"),
            f"{count}.includes(' of ')",
        )
        page.get_by_label("Status").select_option("")
        page.get_by_role("searchbox").click()
        page.keyboard.type("bot-01", delay=60)
        self.act("search agents", self.press("2"), f"{count}.startsWith('10 of ')")
        page.get_by_role("searchbox").fill("")
        table = "document.querySelectorAll('tr[data-row]')"
        self.act(
            "agents as a table",
            page.get_by_role("radio", name="Table").click,
            f"{table}.length > 10",
        )
        header = page.locator("th").get_by_role("button", name="Agent")
        self.act("sort agents", header.click, f"{table}[0]?.textContent.includes('bot-0000')")
        self.act(
            "select all agents",
            page.get_by_label("Select every row").click,
            "document.querySelectorAll('tr[data-chosen]').length > 10",
        )
        page.get_by_label("Select every row").click()
        page.get_by_label(f"Select bot-{turn:04}").click()
        page.get_by_role("button", name="Cordon").click()
        page.get_by_label("Reason").fill("because of the benchmark")
        self.act(
            "cordon an agent",
            page.get_by_role("dialog").get_by_role("button", name="Cordon").click,
            f"{DIALOG} === null",
            HEARD,
        )
        link = page.locator("tr[data-row] a").first
        self.act("open an agent", link.click, AGENT)
        page.go_back()
        self.act(
            "agents as a heatmap",
            page.get_by_role("radio", name="Heatmap").click,
            VIEWS["Fleet"],
        )

    # --- everywhere

    def find(self) -> None:
        """Use the palette."""
        page = self.page
        opened = "document.querySelector('dialog.palette[open] input') !== null"
        self.act("open the palette", self.press("Control+k"), opened)
        page.keyboard.type("bot-042", delay=60)
        self.act("find an agent", self.press("0"), NAMED.format("bot-0420"))
        for _ in range(8):
            page.keyboard.press("Backspace")
        page.keyboard.type("marsh 234", delay=60)
        self.act("find a task", self.press("2"), NAMED.format("marsh 2342"))
        self.act(
            "close the palette", self.press("Escape"), "document.querySelector('dialog') === null"
        )

    def change_theme(self) -> None:
        """Go through the themes."""
        page = self.page
        page.get_by_role("button", name="You").click()
        button = page.get_by_role("button", name="Theme:")
        for _ in range(3):
            before = button.text_content()
            theme = f"document.querySelector('.popover').textContent.includes('{before}') === false"
            self.act("switch the theme", button.click, theme)
        page.keyboard.press("Escape")

    def timeline(self) -> None:
        """Move and zoom the timeline."""
        page = self.page
        self.open("Timeline")
        shown = "document.querySelector('.view-head .num').textContent"
        for name, button in (("zoom", "Closer (+)"), ("move", "Earlier (←)")):
            before = page.locator(".view-head .num").text_content()
            self.act(
                f"{name} the timeline",
                page.get_by_role("button", name=button).click,
                f"{shown} !== {before!r} && {VIEWS['Timeline']}",
            )
