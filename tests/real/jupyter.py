"""What a person does in the hub's and JupyterLab's pages."""

from __future__ import annotations

import json

from tests.real.browser import SHIFT, Page

# Said below the page once the notebook has its kernel; the circle above it is idle before.
IDLE = "document.querySelector('#jp-main-statusbar')?.innerText.includes('| Idle')"
PRINTED = "[...document.querySelectorAll('.jp-OutputArea-output')].map(output => output.innerText.trim())"


def log_in(page: Page, name: str, password: str) -> None:
    """Fill in the hub's form."""
    page.click("#username_input")
    page.write(name)
    page.click("#password_input")
    page.write(password)
    page.click("#login_submit")


def new_notebook(page: Page, name: str) -> None:
    """Wait until the user's JupyterLab is there, and open a notebook in it."""
    page.wait(f"location.pathname == '/user/{name}/lab'", 240)
    page.click(".jp-LauncherCard[data-category=Notebook]")


def run_cell(page: Page, code: str, printed: str) -> None:
    """Write code into the notebook's last cell, run it when the kernel is there, and see what it prints."""
    page.wait(IDLE, 150)
    page.click(".jp-Notebook .jp-Cell:last-child .cm-content")
    page.write(code)
    page.press("Enter", SHIFT)
    page.wait(f"{PRINTED}.includes({json.dumps(printed)})")


def wave_away(page: Page, button: str) -> None:
    """Click a button of JupyterLab's that lies over the notebook, if it is there, and see it go."""
    there = f"document.querySelector({json.dumps(button)})"
    if page.holds(there):
        page.click(button)
        page.wait(f"!{there}")
