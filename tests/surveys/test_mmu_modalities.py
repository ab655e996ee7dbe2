"""Nested and flat modalities: what they are recognised by, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest

from asterism.catalogs.columns import metadata_of
from asterism.errors import BadInputError
from asterism.surveys.formats.spectral_grids import grid_named
from asterism.surveys.mmu_modalities import flat_modalities, image_modality, photometry_modality, spectrum_modality


def spectrum(wave, **more):
    wave = np.asarray(wave, np.float32)
    cells = {"flux": np.arange(len(wave), dtype=np.float32), "ivar": np.ones(len(wave), np.float32), "lambda": wave}
    return {**cells, "mask": np.arange(len(wave)) == 3, **more}


def batch(**columns):
    return pa.RecordBatch.from_pydict(columns)


def cells(made, modality, row=0):
    return {name: made.column(name)[row] for name in modality.columns}


@pytest.mark.parametrize("way", ["struct of lists", "list of structs"])
@pytest.mark.parametrize(
    ("wave", "hint", "survey"),
    [
        (grid_named("desi").wavelength, "", "desi"),
        (10.0 ** (3.58 + 1e-4 * np.arange(3840)), "", "sdss"),
        (10.0 ** (3.5682 + 1e-4 * np.arange(3909)), "lamost", "lamost"),
    ],
)
def test_a_spectrum_is_known_by_its_wavelengths(wave, hint, survey, way):
    value = {key: list(column) for key, column in spectrum(np.append(wave, -1.0)).items()}
    if way == "list of structs":
        value = [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    made = batch(spectrum=[value, None])
    modality = spectrum_modality(made, made.schema, hint)
    assert modality.name == f"spectrum_{survey}"
    found = modality.read(cells(made, modality))
    at = grid_named(survey).pixels(np.log10(wave) if survey != "desi" else wave)
    assert np.array_equal(found[f"spectrum_{survey}_flux"][at], np.arange(len(wave)))
    assert found[f"spectrum_{survey}_ivar"].sum() == len(wave)
    assert np.flatnonzero(found[f"spectrum_{survey}_mask"]).tolist() == [at[3]]
    assert modality.read(cells(made, modality, 1)) == {}


def test_air_and_other_grids_are_refused():
    made = batch(spectrum=[spectrum(10.0 ** (3.58 + 1e-4 * np.arange(3840)) / 1.00028)])
    with pytest.raises(BadInputError, match="not the pixels of DESI, SDSS or LAMOST in vacuum"):
        spectrum_modality(made, made.schema, "")
    made = batch(spectrum=[spectrum([4000.0]), spectrum([4000.3])])
    modality = spectrum_modality(made, made.schema, "")
    with pytest.raises(BadInputError, match="not on the pixels"):
        modality.read(cells(made, modality, 1))


def image(bands=("DES-G", "DES-R"), size=4, key="array", level=1.0):
    n = len(bands)
    stamps = [[[level * (k + 1)] * size] * size for k in range(n)]
    return {
        "band": list(bands),
        key: stamps,
        "ivar": [[[4.0] * size] * size] * n,
        "psf_fwhm": [1.2, 1.3][:n],
        "scale": [0.262] * n,
    }


def test_an_image_is_known_by_its_bands():
    good, other = image(), image(size=3)
    good["ivar"] = [[[0.0] + [4.0] * 3] + [[4.0] * 4] * 3] * 2
    turned = {key: value[::-1] for key, value in image(level=5.0, key="array").items()}
    made = batch(image=[good, other, turned, None])
    modality = image_modality(made, made.schema, "")
    assert modality.name == "image_legacy"
    assert metadata_of(modality.fields[0])["bands"] == "g,r"
    assert metadata_of(modality.fields[0])["pixel_scale"] == "0.262"
    found = modality.read(cells(made, modality))
    assert found["image_legacy_flux"].shape == (2, 4, 4)
    assert np.isnan(found["image_legacy_flux"][:, 0, 0]).all()
    assert found["image_legacy_psf_fwhm"] == pytest.approx([1.2, 1.3])
    with pytest.raises(BadInputError, match="have shape"):
        modality.read(cells(made, modality, 1))
    assert modality.read(cells(made, modality, 2))["image_legacy_flux"][:, 0, 0].tolist() == [5.0, 10.0]
    assert modality.read(cells(made, modality, 3)) == {}


def test_counts_of_hsc_become_nanomaggies_and_unknown_bands_are_refused():
    one = image(("hsc-g", "hsc-r"), key="flux", level=10**1.8)
    made = batch(image=[[dict(zip(one, row, strict=True)) for row in zip(*one.values(), strict=True)]])
    modality = image_modality(made, made.schema, "")
    found = modality.read(cells(made, modality))
    assert found["image_hsc_flux"][:, 0, 0] == pytest.approx([1.0, 2.0])
    assert found["image_hsc_ivar"][0, 0, 0] == pytest.approx(4.0 * 10**3.6, rel=1e-5)
    made = batch(image=[image(("x", "y"))])
    with pytest.raises(BadInputError, match="bands x, y is not known"):
        image_modality(made, made.schema, "")
    assert image_modality(made, made.schema, "legacy").name == "image_legacy"


def test_fluxes_with_errors():
    made = batch(FLUX_G=[2.0, None], flux_ivar_g=[4.0, 1.0], FLUX_R=[1.0, 1.0], EBV=[0.1, 0.1])
    lower = {name.lower(): name for name in made.schema.names}
    modality = photometry_modality(made.schema, lower)
    assert modality.read(cells(made, modality))["photometry_legacy_flux"].tolist() == [2.0]
    assert modality.read(cells(made, modality))["photometry_legacy_extinction"] == pytest.approx([0.3214])
    assert modality.read(cells(made, modality, 1)) == {}
    assert photometry_modality(made.schema, {"flux_g": "FLUX_G"}) is None


def test_lists_without_metadata_get_what_the_survey_says():
    size = grid_named("desi").size
    made = batch(
        photometry_sdss_flux=[[1.0, 2.0, 3.0, 4.0, np.nan]], photometry_sdss_ivar=[[1.0, 1.0, 1.0, 1.0, 0.0]],
        spectrum_desi_flux=[[1.0] * size], spectrum_desi_ivar=[[1.0] * size], image_sdss_flux=[[1.0] * 8],
        photometry_x_flux=[[1.0]], photometry_sdss_flags=[7],
    )  # fmt: skip
    found = {modality.name: modality for modality in flat_modalities(made, made.schema)}
    assert set(found) == {"photometry_sdss", "spectrum_desi"}
    assert metadata_of(found["photometry_sdss"].fields[0])["bands"] == "u,g,r,i,z"
    assert metadata_of(found["spectrum_desi"].fields[0])["grid"] == "linear,3600,0.8,7781"
    assert found["photometry_sdss"].fields[0].type == pa.list_(pa.float32(), 5)
    values = found["photometry_sdss"].read(cells(made, found["photometry_sdss"]))
    assert values["photometry_sdss_flux"][:4].tolist() == [1, 2, 3, 4]
    assert values["photometry_sdss_flags"] == 7
