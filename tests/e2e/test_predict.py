"""`predict` over files and folders, good and bad, from a registered model and from a file."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bad_videos import black_jpeg, motion_jpeg
from commands import run_command
from data_videos import smooth_frames, write_video
from served_network import LABELS, Registered, tracking

from vcc.config.entrypoints import PredictEntry
from vcc.errors import VccError
from vcc.pipeline.commands.predict import run_predict

ROOT = Path(__file__).resolve().parents[2]
BAD = {
    "broken.avi": "not a video",
    "empty.mp4": "empty file",
    "sub/bomb.avi": "frames too large: 6000x6000",
    "sub/cut.avi": "truncated: ",
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three good videos and four bad ones, one of them with a comma and quotes in its name."""
    root = tmp_path_factory.mktemp("predict") / "videos"
    for number, name in enumerate(('a, "b".avi', "sub/c.mkv", "sub/deep/d.avi")):
        write_video(root / name, smooth_frames(9 + number, seed=number))
    (root / "broken.avi").write_bytes(b"no video")
    (root / "empty.mp4").write_bytes(b"")
    (root / "sub" / "bomb.avi").write_bytes(
        motion_jpeg([black_jpeg(6000, 6000)], height=32, width=32)
    )
    whole = write_video(root / "sub" / "cut.avi", smooth_frames(60)).read_bytes()
    (root / "sub" / "cut.avi").write_bytes(whole[: len(whole) // 2])
    (root / "notes.txt").write_text("not looked at")
    return root


def call(registered: Registered, *words: str) -> subprocess.CompletedProcess[str]:
    return run_command(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MLFLOW_TRACKING_URI": registered.tracking_uri,
            "OMP_NUM_THREADS": "1",
        },
    )


def check_json(path: Path, registered: Registered, videos: Path) -> None:
    written = json.loads(path.read_text())
    assert sorted(written["errors"]) == sorted(BAD)
    for name, reason in BAD.items():
        assert written["errors"][name].startswith(reason)
    assert sorted(written["results"]) == ['a, "b".avi', "sub/c.mkv", "sub/deep/d.avi"]
    for name, rows in written["results"].items():
        scores = dict(zip(LABELS, registered.scores(videos / name), strict=True))
        assert [row["score"] for row in rows] == sorted((r["score"] for r in rows), reverse=True)
        for row in rows:
            assert row["score"] == pytest.approx(float(scores[row["label"]]), abs=1e-5)


@pytest.mark.slow
def test_mlflow_run_with_the_only_champion(
    registered: Registered, videos: Path, tmp_path: Path
) -> None:
    output = tmp_path / "predictions.json"
    words = ["mlflow", "run", ".", "-e", "predict", "--env-manager", "local"]
    done = call(registered, *words, "-P", f"videos={videos}", "-P", f"output={output}")
    assert done.returncode == 0, done.stderr
    check_json(output, registered, videos)
    assert f"3 of 7 videos classified by {registered.graph.uri}" in done.stdout
    assert "bad video 'empty.mp4': empty file" in done.stdout


def test_the_module_with_a_file(registered: Registered, videos: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "predictions.csv"
    words = ["--videos", str(videos), "--source", str(registered.onnx), "--output", str(output)]
    done = call(registered, "entrypoints.predict", *words, "--top_k", "2")
    assert done.returncode == 0, done.stderr
    with output.open(encoding="utf-8", newline="") as file:
        rows = {row["video"]: row for row in csv.DictReader(file)}
    assert len(rows) == 7
    for name, reason in BAD.items():
        assert rows[name]["error"].startswith(reason)
        assert rows[name]["label_1"] == ""
    row = rows['a, "b".avi']
    best = registered.scores(videos / 'a, "b".avi')
    assert row["label_1"] == LABELS[int(best.argmax())]
    assert float(row["score_1"]) == pytest.approx(float(best.max()), abs=1e-5)
    assert "label_3" not in row
    assert row["clips"] == "3"


def predict(registered: Registered, **options: object) -> None:
    with tracking(registered.tracking_uri):
        run_predict(PredictEntry(threads=1, **options))  # type: ignore[arg-type]


def test_one_file_and_few_clips(registered: Registered, videos: Path, tmp_path: Path) -> None:
    output = tmp_path / "one.json"
    source = f"models:/{registered.graph.name}/1"
    predict(
        registered,
        videos=videos / "sub" / "deep" / "d.avi",
        source=source,
        output=output,
        top_k=1,
        n_clips=1,
    )
    ((name, rows),) = json.loads(output.read_text())["results"].items()
    assert name == "d.avi"
    assert len(rows) == 1


def test_what_is_wrong_is_one_line_and_nothing_is_left(
    registered: Registered, videos: Path, tmp_path: Path
) -> None:
    good = {"videos": videos, "source": str(registered.onnx), "output": tmp_path / "out.csv"}
    junk = tmp_path / "junk"
    junk.mkdir()
    shutil.copy(videos / "broken.avi", junk)
    (tmp_path / "no.onnx").write_bytes(b"no graph")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("")
    cases = [
        ({"videos": None}, "videos: needed"),
        ({"videos": tmp_path / "none"}, "no such folder of videos"),
        ({"videos": junk}, "none of 1 videos could be classified"),
        ({"output": tmp_path / "out.xml"}, "must be a file that ends in .csv or .json"),
        ({"output": tmp_path / "folder.csv"}, "must be a file that ends in .csv or .json"),
        ({"output": tmp_path / "file" / "out.csv"}, "cannot be written"),
        ({"source": str(tmp_path / "missing.onnx")}, "missing.onnx"),
        ({"source": str(tmp_path / "no.onnx")}, "no.onnx"),
        ({"source": "models:/vcc-nobody@champion"}, "not in the registry"),
    ]
    for changed, message in cases:
        with pytest.raises(VccError, match=message):
            predict(registered, **{**good, **changed})
    # The table of the folder where nothing could be read says why.
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["file", "folder.csv", "junk", "no.onnx", "out.csv"]
