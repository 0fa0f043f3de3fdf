"""MLflow's pages in a real browser: what a person sees of the runs and models that vcc leaves."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from compared_registry import BASE, make_compared
from limits import HANG_S
from tracking_servers import mlflow_server

from vcc.config.entrypoints import CompareEntry
from vcc.config.tracking import TrackingOptions
from vcc.pipeline.commands.compare import run_compare
from vcc.tracking.registry import VIDEO_SUFFIX, describe_version, get_version
from vcc.tracking.runs import open_run
from vcc.tracking.views import save_view

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
WebDriverException = pytest.importorskip("selenium.common").WebDriverException

# A server and a browser: 16 s of processor time. CI runs them all the same.
pytestmark = pytest.mark.slow

NAME = "vcc-toy-motion"
FIGURES = {
    "export dense": {"video_top1": 0.9375, "latency_p50_ms": 31.25, "size_bytes": 14_480_001},
    "export compressed": {
        "video_top1": 0.921875,
        "latency_p50_ms": 10.5,
        "size_bytes": 3_660_003,
    },
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs:
        pytest.skip("no browser: `apt-get install chromium chromium-driver` brings one")
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs[0])
    profile = tmp_path_factory.mktemp("browser")
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--window-size=1900,1000", f"--user-data-dir={profile}"):  # fmt: skip
        options.add_argument(word)
    try:
        service = webdriver.ChromeService(str(programs[1]))
        driver = webdriver.Chrome(options=options, service=service)
    except WebDriverException as error:
        pytest.skip(f"the browser does not start here: {error.msg}")
    driver.set_page_load_timeout(HANG_S)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server with two measured runs and a registered model; the addresses of its pages."""
    folder = tmp_path_factory.mktemp("ui")
    before = mlflow.get_tracking_uri()
    with mlflow_server(f"sqlite:///{folder / 'mlflow.db'}", folder) as address:
        mlflow.set_tracking_uri(address)
        experiment = mlflow.create_experiment("browser")
        mlflow.set_experiment(experiment_id=experiment)
        runs = []
        for name, figures in FIGURES.items():
            with open_run(name, step="export", options=TrackingOptions()) as run:
                run.log_dataset(name="motion", root=folder, digest="d" * 40, context="test")
                run.set_tags({"method": "ep", "runtime": "onnxruntime CPU"})
                run.describe(f"What {name} did, and what came out.")
                run.log_metrics(figures)
                runs.append(run.run_id)
        client = mlflow.MlflowClient()
        client.create_registered_model(NAME + VIDEO_SUFFIX)
        client.create_model_version(
            NAME + VIDEO_SUFFIX, f"runs:/{runs[1]}/model", run_id=runs[1], tags={"method": "ep"}
        )
        client.set_registered_model_alias(NAME + VIDEO_SUFFIX, "champion", "1")
        describe_version(get_version(f"models:/{NAME}{VIDEO_SUFFIX}/1"), "92.2 % of 64 videos")
        compared = "%22,%22".join(runs)
        yield {
            "experiment": f"{address}/{save_view(experiment)}",
            "run": f"{address}/#/experiments/{experiment}/runs/{runs[1]}",
            "comparison": f"{address}/#/compare-runs?runs=[%22{compared}%22]"
            f"&experiments=[%22{experiment}%22]",
            "model": f"{address}/#/models/{NAME}{VIDEO_SUFFIX}",
        }
    mlflow.set_tracking_uri(before)


def shown(browser: webdriver.Chrome, address: str, *wanted: str) -> str:
    """Open a page and return its text, as soon as all that is wanted stands in it."""
    # The pages differ after the # only: without this, the browser would stay where it is.
    browser.get("about:blank")
    browser.get(address)
    deadline = time.monotonic() + HANG_S
    text = ""
    while time.monotonic() < deadline:
        text = browser.execute_script("return document.body.innerText") or ""
        if all(each in text for each in wanted):
            return text
        time.sleep(0.3)
    missing = [each for each in wanted if each not in text]
    pytest.fail(f"{address} does not show {missing}: {text[:3000]}")


def test_the_experiment_opens_with_the_columns_that_matter(
    browser: webdriver.Chrome, pages: dict[str, str]
) -> None:
    text = shown(browser, pages["experiment"], *FIGURES, "video_top1", "latency_p50_ms", "10.5")
    assert "0.9375" in text
    # The page's text has the columns in the order in which they were made, not as they stand.
    columns = browser.execute_script(
        "return [...document.querySelectorAll('.ag-header-cell')]"
        ".map(cell => [cell.getBoundingClientRect().left, cell.innerText.trim()])"
    )
    names = [name for _, name in sorted(columns) if name]
    measured = [name for name in names if name in FIGURES["export dense"]]
    assert measured == ["video_top1", "latency_p50_ms", "size_bytes"]
    before = names[: names.index("video_top1")]
    assert "Run Name" in before
    assert not {"Source", "Models", "Dataset"} & set(before)


def test_the_run_says_what_it_did(browser: webdriver.Chrome, pages: dict[str, str]) -> None:
    shown(browser, pages["run"], "export compressed", "What export compressed did", "0.921875")


def test_two_runs_are_set_side_by_side(browser: webdriver.Chrome, pages: dict[str, str]) -> None:
    text = shown(browser, pages["comparison"], *FIGURES, "video_top1", "latency_p50_ms")
    assert "Comparing 2 Runs" in text


def test_the_model_page_says_who_is_champion_and_how_good(
    browser: webdriver.Chrome, pages: dict[str, str]
) -> None:
    shown(browser, pages["model"], NAME + VIDEO_SUFFIX, "champion", "Version 1", "92.2 % of 64")


@pytest.mark.parametrize(("width", "phone"), [(390, True), (1400, False)])
@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_page_of_versions_fits_a_phone_and_a_desk(
    browser: webdriver.Chrome, compared: Path, width: int, phone: bool, scheme: str, dark: bool
) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": phone}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        shown(browser, compared.as_uri(), f"Versions of {BASE}", "Lineage", "Verdicts of the gate")
        # Tables scroll by themselves: the page never sideways.
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert colour == ("rgb(26, 26, 26)" if dark else "rgb(255, 255, 255)")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page of `compare`, of three versions."""
    folder = tmp_path_factory.mktemp("compared")
    before = mlflow.get_tracking_uri()
    made = make_compared(folder)
    page = folder / "compare.html"
    mlflow.set_experiment(experiment_id=made.experiment)
    run_compare(CompareEntry(name=BASE, output=page, results=folder))
    yield page
    mlflow.set_tracking_uri(before)
