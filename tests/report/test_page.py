"""report.html in a browser: from disk, with no network, by mouse, by keys, dark, on a phone."""

import re

import pytest

from l2l.cli.main import main
from tests.browser import opened
from tests.report.made import HOSTILE, write_results

PIXELS = """canvas => { const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return new Set(new Uint32Array(data.buffer)).size }"""  # different colours in a canvas


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    results, chunks = write_results(tmp_path_factory.mktemp("report"))
    assert main(["report", str(results), "--chunks", str(chunks), "--set", "seed=3"]) == 0
    return results / "report.html"


def test_one_file_holds_everything(page_file):
    html = page_file.read_text()
    assert page_file.stat().st_size < 8e6
    addresses = re.findall(r"""(?:src|href|poster)=["']?([^"' >]+)""", html)
    assert addresses and all(address.startswith(("data:", "#")) for address in addresses if address != "x")


def test_it_opens_from_disk_and_says_what_there_is(browser, page_file):
    with opened(browser, page_file.as_uri()) as watched:
        page = watched.page
        assert page.inner_text(".verdict .short") == "This model listens."
        assert HOSTILE in page.inner_text(".cards") and page.locator("img[src=x]").count() == 0
        assert "raw/broken.mp4 is <empty>." in page.inner_text("#input + .panel")
        assert page.locator("img:not([alt])").count() == 0 and page.locator(".stills img").count() >= 1
        assert page.locator("canvas").count() == 2
        for canvas in page.locator("canvas").all():
            assert canvas.evaluate(PIXELS) > 5
        watched.check()


def test_the_film_plays_and_the_time_line_leads_it(browser, page_file):
    with opened(browser, page_file.as_uri()) as watched:
        page, canvas = watched.page, watched.page.locator(".clip canvas")
        now = "document.querySelector('video').currentTime"
        page.wait_for_function("document.querySelector('video').readyState >= 2")
        page.evaluate("document.querySelector('video').muted = true")
        canvas.focus()
        page.keyboard.press(" ")
        page.wait_for_function(f"{now} > 0.2")
        page.keyboard.press(" ")
        assert page.evaluate("document.querySelector('video').paused")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 40)
        page.wait_for_function(f"{now} > 1.5")
        before = page.evaluate(now)
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(f"Math.abs({now} - {before} + 1 / 30) < 0.01")
        page.keyboard.press("Home")
        page.wait_for_function(f"{now} === 0")
        watched.check()


def test_hovering_reads_values_and_a_drag_zooms(browser, page_file):
    with opened(browser, page_file.as_uri()) as watched:
        page, canvas, said = watched.page, watched.page.locator(".clip canvas"), watched.page.locator(".clip .said")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        middle = box["y"] + box["height"] / 2

        def hover(share):
            page.mouse.move(box["x"] + share * box["width"], middle)
            return said.inner_text()

        assert "sample 2" in hover(0.5) and "true listener" in hover(0.5)
        whole = float(hover(0.9).split()[0])
        page.mouse.move(box["x"] + 0.4 * box["width"], middle)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=3)
        page.mouse.up()
        assert float(hover(0.9).split()[0]) < whole
        page.get_by_role("button", name="all of it").first.click()
        assert float(hover(0.9).split()[0]) == whole
        page.locator(".takes button", has_text="sample 2").click()
        assert "sample 2" not in hover(0.5)
        page.locator(".curves button", has_text="jaw").first.click()
        assert "open is more" in hover(0.5)
        watched.check()


@pytest.mark.parametrize("width", [900, 1200, 1280, 1600])
def test_nothing_lies_beside_the_page(browser, page_file, width):
    with opened(browser, page_file.as_uri(), width=width) as watched:
        assert watched.page.evaluate("document.documentElement.scrollWidth") == width
        fits = "[...document.querySelectorAll('.panel')].every(panel => panel.scrollWidth <= panel.clientWidth)"
        assert watched.page.evaluate(fits)
        watched.check()


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_needs_no_scrolling_sideways(browser, page_file, dark):
    with opened(browser, page_file.as_uri(), width=390, height=844, dark=dark) as watched:
        page = watched.page
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(map(int, re.findall(r"\d+", paper)[:3])) / 3
        assert (brightness < 60) == dark
        watched.check()
