from asterism.papers.avis.published import AIMS, PUBLISHED


def test_aims_are_no_higher_than_what_is_published_of_spectra():
    assert max(found["r2"] for found in PUBLISHED.values()) < 1
    assert dict(AIMS)["redshift of galaxies from spectrum, R²"] <= PUBLISHED["AstroCLIP, spectrum"]["r2"]
    assert len({what for what, _ in AIMS}) == len(AIMS)
