"""The page is written, logged, and says what it is of."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from compared_registry import BASE, ComparedRegistry, copy_compared

from vcc.config.entrypoints import CompareEntry
from vcc.errors import ConfigError, TrackingError
from vcc.pipeline.commands.compare import run_compare


def test_the_page_is_in_the_file_and_in_the_run(
    made_compared: ComparedRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = mlflow.get_tracking_uri()
    made = copy_compared(made_compared, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made.uri)
    # What an earlier test chose for the process goes before the variable.
    mlflow.set_tracking_uri(made.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", made.experiment)
    output = tmp_path / "pages" / "compare.html"
    try:
        run_compare(CompareEntry(name=BASE, output=output, results=tmp_path))
        page = output.read_text(encoding="utf-8")
        assert f"<title>Versions of {BASE}</title>" in page
        said = capsys.readouterr().out
        assert "looked at closely: toy-motion/2 to toy-motion/3" in said
        assert f"wrote {output.resolve()}" in said
        (run,) = mlflow.MlflowClient().search_runs([made.experiment], "tags.step = 'compare'")
        uri = f"runs:/{run.info.run_id}/report/compare.html"
        assert mlflow.artifacts.load_text(uri) == page
        assert run.data.tags["mlflow.note.content"].startswith("3 versions: 1 dense")
        with pytest.raises(ConfigError, match="output: .* is a folder: name an HTML file in it"):
            run_compare(CompareEntry(output=tmp_path))
        # Nothing is recorded of what could not be.
        with pytest.raises(TrackingError, match="before: none of the versions is '9'"):
            run_compare(CompareEntry(before="9", output=output, results=tmp_path))
        assert (
            len(mlflow.MlflowClient().search_runs([made.experiment], "tags.step = 'compare'")) == 1
        )
    finally:
        mlflow.set_tracking_uri(before)
