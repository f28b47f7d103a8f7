"""The report of the tiny run in a real Chromium: filters, links, sliders, and every width."""

import shutil

import pytest

pytestmark = pytest.mark.slow
CHANGES = "densities: {thick_spiral: {figures: [map, quiver]}}"  # a field to move
ROW = "tbody tr:not([hidden])"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def shown_run(finished, tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    return finished.copy_to(tmp_path_factory.mktemp("browser") / "project")


@pytest.fixture(scope="module")
def report(shown_run):
    outcome = shown_run.snakemake("report", changes=CHANGES)
    assert outcome.code == 0, outcome.text
    return (shown_run.folder / "results/report.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, report):
    """The page as it opens; a test fails if the console gets an error."""
    errors = []
    page = browser.new_page(viewport={"width": 1300, "height": 1000}, reduced_motion="reduce")
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda asked: None if asked.url == report else errors.append(asked.url[:80]))
    page.goto(report)
    yield page
    page.close()
    assert [one for one in errors if not one.startswith("data:")] == []


def shown(page):
    return page.eval_on_selector_all("section.part:not([hidden])", "all => all.map(one => one.id)")


def test_every_link_leads_somewhere(page):
    targets = page.eval_on_selector_all("a", "all => all.map(one => one.getAttribute('href'))")
    known = set(page.eval_on_selector_all("[id]", "all => all.map(one => '#' + one.id)"))
    assert len(targets) > 50
    assert set(targets) <= known


def test_a_cell_of_the_matrix_opens_its_checks(page):
    cell = page.locator("#matrix tbody a[aria-label]").first
    where = cell.get_attribute("href")
    target = page.locator(f"[id='{where[1:]}']")
    assert not target.is_visible()
    cell.click()
    assert target.is_visible()
    assert target.evaluate("one => one.open")


@pytest.mark.parametrize(
    ("name", "value"), [("subject", "thick_spiral"), ("verdict", ""), ("part", "theorem-1")]
)
def test_filters_filter_and_can_be_undone(page, name, value):
    before = shown(page)
    if name == "verdict":  # the first that any statement has
        value = page.locator("#matrix .verdict-cell .verdict").first.inner_text()
    page.select_option(f"#filters [name={name}]", value)
    left = shown(page)
    assert 0 < len(left) < len(before)
    assert f"{len(left)} of {len(before)}" in page.inner_text("#filters output")
    if name == "subject":
        rest = "#results figure[data-subjects]:not([data-subjects='']):not([hidden])"
        of = page.eval_on_selector_all(rest, "all => all.map(one => one.dataset.subjects)")
        assert of
        assert all("|thick_spiral|" in subjects for subjects in of)
        empty = page.locator(".some table").filter(visible=True).filter(has_not=page.locator(ROW))
        assert empty.count() == 0
    page.click("#filters button")
    page.wait_for_function("document.querySelectorAll('section.part[hidden]').length === 0")
    assert shown(page) == before


def test_the_slider_of_one_dimension_moves_the_curves(page):
    curves = "#lines svg polyline"
    first = page.eval_on_selector_all(curves, "all => all.map(one => one.getAttribute('points'))")
    sigma = page.inner_text("#lines output[name=sigma]")
    page.focus("#lines input[name=sigma]")
    page.keyboard.press("End")  # by keyboard
    moved = page.eval_on_selector_all(curves, "all => all.map(one => one.getAttribute('points'))")
    assert float(page.inner_text("#lines output[name=sigma]")) > float(sigma)
    stays = [before == after for before, after in zip(first, moved, strict=True)]
    assert stays.count(True) == 1  # the score of p
    page.select_option("#lines [name=quantity]", "map")
    assert "identity" in page.inner_text("#lines .key")


def test_points_in_the_plane_follow_r_until_they_rest(page):
    canvas = page.locator("#planes canvas").first
    picture = "one => one.toDataURL()"
    empty = canvas.evaluate(picture)
    canvas.click(position={"x": 100, "y": 120})
    assert "1 points dropped" in page.inner_text("#planes output[name=rest]")
    page.click("#planes [name=drop]")
    assert "21 points dropped" in page.inner_text("#planes output[name=rest]")
    assert canvas.evaluate(picture) != empty
    page.click("#planes [name=clear]")
    assert canvas.evaluate(picture) == empty
    page.fill("#planes input[name=sigma]", "1")
    assert canvas.evaluate(picture) != empty
    assert "times the length" in page.inner_text("#planes output[name=scale]")


def test_a_picture_is_enlarged_by_keyboard_and_closed(page):
    button = page.locator("figure .enlarge").first
    button.focus()
    page.keyboard.press("Enter")
    width = "one => one.getBoundingClientRect().width"
    assert page.locator("#large img").evaluate(width) > button.evaluate(width)
    page.keyboard.press("Escape")
    assert not page.locator("#large").is_visible()


def test_headings_land_below_the_bar_which_leads_back(page):
    page.click("nav a[href='#section-3-4']")
    bar = page.locator("#filters").bounding_box()
    assert page.locator("#section-3-4").bounding_box()["y"] >= bar["y"] + bar["height"]
    page.click("#filters .up")
    assert page.locator("#matrix").evaluate("one => one.getBoundingClientRect().top") >= 0


@pytest.mark.parametrize("width", [420, 1300])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(page, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_leaves_out_what_moves(page):
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert not page.locator("#lines").is_visible()
    assert page.locator("#matrix").is_visible()


def test_snakemakes_own_report_has_figures_and_verdicts(shown_run, browser, tmp_path):
    outcome = shown_run.snakemake("--report", str(tmp_path / "report.html"))
    assert outcome.code == 0, outcome.text
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    for category in ("Verdicts", "The paper's figures", "Images"):
        page.get_by_text(category, exact=True).wait_for()
    page.close()
