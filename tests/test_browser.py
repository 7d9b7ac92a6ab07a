"""The browser of the tests sees what must not happen in a page."""

from tests.browser import opened


def test_errors_and_requests_that_leave_the_machine_are_seen(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><p>words</p>")
    with opened(browser, page.as_uri()) as calm:
        assert calm.page.inner_text("p") == "words"
        calm.check()
    page.write_text("<!doctype html><script>fetch('http://192.0.2.1/').catch(() => 0); throw Error('broken')</script>")
    with opened(browser, page.as_uri()) as wrong:
        assert wrong.away == ["http://192.0.2.1/"] and "broken" in wrong.errors
