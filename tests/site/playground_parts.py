"""The first playground of a page, as its tests read and set it."""

from typing import Any

from browser import SECONDS
from playwright.sync_api import Page, expect

# Everything in the playground, whatever it is folded under.
OPEN = """() => {
  const root = playground.mounted[0].host.shadowRoot;
  root.querySelectorAll('details').forEach(e => (e.open = true));
  root.querySelector('#unfold[aria-expanded=false]')?.click();
}"""
# The rows of the table, the family's among them.
ROWS = "tbody tr:has(input)"


def part(page: Page, selector: str) -> Any:
    """An element of it."""
    return page.locator(".playground-live").first.locator(selector)


def address_of(page: Page) -> str:
    return page.evaluate("playground.mounted[0].playground.address")


def set_address(page: Page, address: str) -> None:
    page.evaluate("address => playground.mounted[0].playground.set(address)", address)


def wait_for_status(page: Page, text: str) -> None:
    expect(part(page, "#status")).to_contain_text(text, timeout=1000 * SECONDS)
