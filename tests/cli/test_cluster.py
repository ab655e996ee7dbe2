import json
import subprocess
import sys

from asterism.catalogs.catalog import open_catalog


def run(*arguments):
    code = "from asterism.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_cluster_says_how_many_how_stable_and_how_much_noise(make_embedded, tmp_path):
    embedded = make_embedded(rows=240)
    out = tmp_path / "e"
    done = run("cluster", embedded.path, "--out", out, "--repeats", 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    told = json.loads((out / "clusters.json").read_text())
    text = " ".join(done.stderr.split())
    assert f"228 objects: {told['clusters']} clusters, noise {100 * told['noise_share']:.1f} %" in text
    assert f"stability {told['stability']['mean']:.2f}" in text
    assert open_catalog(out).read(["anomaly_density"])["anomaly_density"].null_count == 12
    again = run("cluster", embedded.path, "--out", out, "--repeats", 1, "--quiet")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_an_unknown_space_is_one_sentence(make_embedded, tmp_path):
    done = run("cluster", make_embedded(rows=20).path, "--out", tmp_path / "e", "--space", "maps")
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown space 'maps'; did you mean 'map'?")
