import numpy as np
import pyarrow.parquet as pq
import pytest

from asterism.errors import BadInputError, ConfigurationError
from asterism.surveys.margnet import FEATURES, ingest_margnet

B = np.array([1.4, 0.9, 1.2, 1.8, 7.4]) * 1e-10
N = 30


def features(rng, n=N):
    observed = rng.uniform(17, 21, (n, 5))
    extinction = rng.uniform(0.02, 0.5, (n, 5))
    x = np.empty((n, 24))
    x[:, 0:20:4] = observed - extinction
    x[:, 1:20:4] = rng.uniform(1e-9, 2, (n, 5))
    x[:, 2:20:4] = rng.uniform(0.9, 1.6, (n, 5))
    x[:, 3:20:4] = extinction
    x[:, 20:] = observed[:, :4] - observed[:, 1:]
    return x, observed


def flux_of(observed):
    return 1e9 * 2 * B * np.sinh(-observed * np.log(10) / 2.5 - np.log(B))


def write(directory, name="sg", classes=2, images=None, seed=0):
    rng = np.random.default_rng(seed)
    directory.mkdir(exist_ok=True)
    x, observed = features(rng)
    np.save(directory / f"dnnx_{name}.npy", x)
    np.save(directory / f"y_{name}.npy", np.eye(classes, dtype=np.float32)[np.arange(N) % classes])
    np.save(directory / f"objlist_{name}.npy", 1237648720142401611 + np.arange(N))
    (directory / "columns.txt").write_text("\n".join(FEATURES))
    if images is not None:
        stamps = rng.normal(0, 0.02, (N, 5, 32, 32))
        stamps[:, :, 16, 16] += flux_of(observed)
        np.save(
            directory / f"X_{name}.npy", (stamps if images == "first" else np.moveaxis(stamps, 1, 3)).astype(np.float32)
        )
    return x, observed


def column(catalog, name):
    return np.array(catalog.read()[name].to_pylist())


@pytest.mark.parametrize("images", [None, "first", "last"])
def test_observed_fluxes_and_stamps(tmp_path, images):
    x, observed = write(tmp_path / "m", images=images)
    catalog = ingest_margnet(tmp_path / "m", tmp_path / "out")
    assert not catalog.placed
    assert column(catalog, "object_id").tolist() == [str(1237648720142401611 + k) for k in range(N)]
    assert column(catalog, "source_id").tolist() == column(catalog, "object_id").tolist()
    np.testing.assert_allclose(column(catalog, "photometry_sdss_flux"), flux_of(observed), rtol=1e-6)
    np.testing.assert_allclose(column(catalog, "photometry_sdss_extinction"), x[:, 3:20:4], rtol=1e-6)
    np.testing.assert_allclose(column(catalog, "photometry_sdss_radius"), x[:, 1:20:4], rtol=1e-6)
    np.testing.assert_allclose(column(catalog, "photometry_sdss_psf_fwhm"), x[:, 2:20:4], rtol=1e-6)
    group = catalog.groups["photometry_sdss"]
    assert (group.dereddened, group.zero_point, group.meta("ivar_source")) == (False, "sdss", "depth")
    assert column(catalog, "class").tolist() == ["GALAXY", "STAR"] * (N // 2)
    assert ("image_sdss" in catalog.groups) == (images is not None)
    if images is not None:
        image = catalog.groups["image_sdss"]
        assert (image.shape, image.pixel_scale, image.meta("ivar_source")) == ((5, 32, 32), 0.396, "sky")
        stamps = column(catalog, "image_sdss_flux").reshape(N, 5, 32, 32)
        np.testing.assert_allclose(stamps[:, :, 16, 16], flux_of(observed), atol=0.2)
        assert np.allclose(column(catalog, "image_sdss_ivar"), 0.02**-2, rtol=0.5)


def test_three_classes_and_their_order(tmp_path):
    write(tmp_path / "m", "sgq", classes=3)
    assert column(ingest_margnet(tmp_path / "m", tmp_path / "a"), "class").tolist()[:3] == ["GALAXY", "QSO", "STAR"]
    other = ingest_margnet(tmp_path / "m", tmp_path / "b", classes=["STAR", "GALAXY", "QSO"])
    assert column(other, "class").tolist()[:3] == ["STAR", "GALAXY", "QSO"]
    for classes, sentence in [
        (["STAR", "GALAXY"], "3 different classes"),
        (["STAR", "STAR", "QSO"], "3 different classes"),
        (["STAR", "GALAXY", "QUASAR"], "unknown class 'QUASAR'"),
    ]:
        with pytest.raises(ConfigurationError, match=sentence):
            ingest_margnet(tmp_path / "m", tmp_path / "c", classes=classes)


def test_several_sets_in_one_directory(tmp_path):
    write(tmp_path / "m", "sg_exp3")
    write(tmp_path / "m", "sgq_exp3", classes=3)
    with pytest.raises(ConfigurationError, match=r"choose one with --name \(sg_exp3, sgq_exp3\)"):
        ingest_margnet(tmp_path / "m", tmp_path / "out")
    with pytest.raises(ConfigurationError, match="did you mean 'sg_exp3'"):
        ingest_margnet(tmp_path / "m", tmp_path / "out", name="sg_exp")
    assert set(column(ingest_margnet(tmp_path / "m", tmp_path / "out", name="sgq_exp3"), "class")) == {
        "GALAXY",
        "QSO",
        "STAR",
    }


def test_without_labels_and_ids(tmp_path):
    write(tmp_path / "m")
    (tmp_path / "m" / "y_sg.npy").unlink()
    (tmp_path / "m" / "objlist_sg.npy").unlink()
    (tmp_path / "m" / "columns.txt").unlink()
    catalog = ingest_margnet(tmp_path / "m", tmp_path / "out")
    assert "class" not in catalog.schema.names
    assert len(set(column(catalog, "object_id"))) == N
    with pytest.raises(ConfigurationError, match="--classes"):
        ingest_margnet(tmp_path / "m", tmp_path / "out2", classes=["STAR", "GALAXY"])


def test_bad_rows_are_told(tmp_path):
    x, _ = write(tmp_path / "m", images="first")
    x[2, 0:20:4] = np.nan
    x[3, 0] = np.inf
    np.save(tmp_path / "m" / "dnnx_sg.npy", x)
    y = np.load(tmp_path / "m" / "y_sg.npy")
    y[4] = 0.5
    np.save(tmp_path / "m" / "y_sg.npy", y)
    stamps = np.load(tmp_path / "m" / "X_sg.npy")
    stamps[5, 1, 3, 3] = np.nan
    stamps[2] = np.nan
    np.save(tmp_path / "m" / "X_sg.npy", stamps)
    catalog = ingest_margnet(tmp_path / "m", tmp_path / "out")
    assert len(catalog) == N - 1
    lines = pq.read_table(tmp_path / "out" / "quarantine.parquet").to_pylist()
    reasons = {row: [line["reason"] for line in lines if line["row"] == str(row)] for row in (3, 4, 5, 6)}
    assert reasons[3][-1] == "nothing was observed in any band: the row is left out"
    assert reasons[4] == ["dered_u is infinite: the cell is taken as missing"]
    assert reasons[5] == ["the class is not one-hot: the row stays, without a class"]
    assert reasons[6] == ["the g stamp has blank pixels or no sky noise: taken as not observed"]
    assert catalog.read()["class"].to_pylist()[3] is None


def spoil(directory, what):
    if what == "objects":
        np.save(directory / "y_sg.npy", np.array([{}] * N, dtype=object), allow_pickle=True)
    elif what == "truncated":
        file = directory / "dnnx_sg.npy"
        file.write_bytes(file.read_bytes()[:500])
    elif what == "order":
        (directory / "columns.txt").write_text("\n".join([*FEATURES[4:20], *FEATURES[:4], *FEATURES[20:]]))
    elif what == "names":
        (directory / "columns.txt").write_text("\n".join(["dered_U", *FEATURES[1:]]))
    elif what == "width":
        np.save(directory / "dnnx_sg.npy", np.ones((N, 23)))
    elif what == "length":
        np.save(directory / "y_sg.npy", np.eye(2)[np.zeros(7, int)])
    elif what == "zero rows":
        np.save(directory / "dnnx_sg.npy", np.ones((0, 24)))
    elif what == "luptitudes":
        stamps = np.load(directory / "X_sg.npy")
        np.save(directory / "X_sg.npy", 22.5 - np.clip(stamps, 0, 1))
    elif what == "image shape":
        np.save(directory / "X_sg.npy", np.ones((N, 32, 32), np.float32))
    elif what == "float ids":
        np.save(directory / "objlist_sg.npy", np.ones(N))
    elif what == "flat classes":
        np.save(directory / "y_sg.npy", np.ones(N))


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("objects", "holds Python objects"),
        ("truncated", "can't read .*dnnx_sg.npy"),
        ("order", "not the colour of the observed magnitudes"),
        ("names", "columns.txt: unknown column 'dered_u'"),
        ("width", "float array of 24 columns"),
        ("length", "has 7 rows where the features have 30"),
        ("zero rows", "has no rows"),
        ("luptitudes", "not in nanomaggies"),
        ("image shape", r"must be floats of shape \(N, y, x, 5\)"),
        ("float ids", "one integer id per row"),
        ("flat classes", "one-hot classes"),
    ],
)
def test_hostile_arrays(tmp_path, what, sentence):
    write(tmp_path / "m", images="first")
    spoil(tmp_path / "m", what)
    with pytest.raises(BadInputError, match=sentence) as caught:
        ingest_margnet(tmp_path / "m", tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_hostile_directories(tmp_path):
    with pytest.raises(BadInputError, match="is not a directory"):
        ingest_margnet(tmp_path / "nothing", tmp_path / "out")
    with pytest.raises(BadInputError, match="holds no dnnx"):
        ingest_margnet(tmp_path, tmp_path / "out")
