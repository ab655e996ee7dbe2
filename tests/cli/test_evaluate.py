import json
import subprocess
import sys


def run(*arguments):
    code = "from asterism.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_evaluate_writes_report_and_metrics_and_shows_the_figures(small_run, tmp_path):
    out = tmp_path / "report"
    done = run(
        "evaluate",
        small_run.path,
        "--catalog",
        small_run.catalog.path,
        "--split",
        "default",
        "--baselines",
        "--out",
        out,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out / "report.html")
    assert "lightgbm" in done.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    assert f"{metrics['accuracy']:.4f}" in done.stderr


def test_a_leak_is_refused_with_its_own_exit_code_and_says_what_to_do(small_run, tmp_path):
    done = run("evaluate", small_run.path, "--catalog", small_run.catalog.path, "--out", tmp_path / "report")
    assert done.returncode == 3
    assert "seen in training" in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_unknown_column_in_where_names_the_nearest(small_run, tmp_path):
    done = run(
        "evaluate",
        small_run.path,
        "--catalog",
        small_run.catalog.path,
        "--split",
        "default",
        "--where",
        "redshfit < 1",
        "--out",
        tmp_path / "report",
    )
    assert done.returncode == 2
    assert "did you mean 'redshift'" in done.stderr
