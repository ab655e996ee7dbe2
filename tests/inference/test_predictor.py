import numpy as np
import pytest
from astropy import units
from astropy.table import QTable, Table
from numpy.testing import assert_allclose

import asterism
from asterism.errors import BadInputError, ConfigurationError
from asterism.inference.predictor import Answers, Predictor

NEW = {
    "p_star",
    "p_galaxy",
    "p_qso",
    "class_predicted",
    "class_set",
    "in_domain",
    "domain_score",
    "model_fingerprint",
}


@pytest.fixture(scope="module")
def predictor(small_run):
    return asterism.Predictor.from_pretrained(small_run.path)


@pytest.fixture(scope="module")
def table(small_run):
    return small_run.catalog.table(where="r_mag < 30")


def test_a_table_gets_the_contracts_columns_and_keeps_its_own(predictor, table):
    answers = predictor.predict(table)
    assert isinstance(answers, QTable)
    assert set(answers.colnames) == set(table.colnames) | NEW
    p = np.stack([np.asarray(answers[c]) for c in ("p_star", "p_galaxy", "p_qso")], axis=1)
    assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    names = np.array(["STAR", "GALAXY", "QSO"])[p.argmax(axis=1)]
    assert (names == np.asarray(answers["class_predicted"])).all()
    assert set(answers["model_fingerprint"]) == {predictor.fingerprint}
    known = ~np.ma.getmaskarray(table["class"])
    assert (names == np.asarray(table["class"]))[known].mean() > 0.8


def test_units_that_convert_are_converted(predictor, table):
    expected = predictor.predict(table)
    other = table.copy()
    with units.add_enabled_units(units.photometric):
        other["photometry_sdss_flux"] = table["photometry_sdss_flux"].to("1e-3 nmgy")
    assert_allclose(predictor.predict(other)["p_star"], expected["p_star"], atol=1e-5)


def test_a_unit_that_does_not_convert_is_refused(predictor, table):
    wrong = table.copy()
    wrong["photometry_sdss_flux"] = np.asarray(table["photometry_sdss_flux"].value) * units.mag
    with pytest.raises(BadInputError, match=r"photometry_sdss_flux.*mag"):
        predictor.predict(wrong)


def test_a_misnamed_column_is_named_with_what_is_nearest(predictor, table):
    wrong = table.copy()
    wrong.rename_column("photometry_sdss_flux", "photometry_sdss_fluxes")
    with pytest.raises(BadInputError, match="rename 'photometry_sdss_fluxes'"):
        predictor.predict(wrong)


def test_a_plain_table_comes_back_plain_and_an_extra_quantity_may_lack(predictor, table):
    plain = Table({name: np.asarray(table[name]) for name in ("photometry_sdss_flux", "photometry_sdss_ivar")})
    answers = predictor.predict(plain)
    assert type(answers) is Table
    assert len(answers) == len(table)


def test_no_rows_give_no_answers(predictor, table):
    answers = predictor.predict(table[:0])
    assert len(answers) == 0
    assert set(answers.colnames) >= NEW


def test_a_catalog_gives_a_catalog_and_the_same_answers_as_its_table(predictor, small_run):
    catalog = predictor.predict(small_run.catalog)
    assert isinstance(catalog, asterism.Catalog)
    assert len(catalog) == len(small_run.catalog)
    joined = catalog.table(["object_id", "p_qso", "class"])
    direct = predictor.predict(small_run.catalog.table())
    order = {name: row for row, name in enumerate(direct["object_id"])}
    there = np.asarray(direct["p_qso"])[[order[name] for name in joined["object_id"]]]
    assert_allclose(np.asarray(joined["p_qso"]), there, atol=1e-6)


def test_order_and_company_do_not_change_an_answer(predictor, table):
    whole = predictor.predict(table)
    backwards = predictor.predict(table[::-1])
    alone = predictor.predict(table[7:8])
    assert_allclose(np.asarray(backwards["p_star"])[::-1], whole["p_star"], atol=1e-6)
    assert_allclose(alone["p_star"], whole["p_star"][7:8], atol=1e-6)
    assert alone["class_set"][0] == whole["class_set"][7]


def test_an_object_of_which_nothing_is_observed_gets_the_training_mix_and_is_out_of_domain(predictor, table):
    blank = table[:1].copy()
    blank["photometry_sdss_ivar"] = blank["photometry_sdss_ivar"] * 0
    answer = predictor.predict(blank)
    p = [float(answer[c][0]) for c in ("p_star", "p_galaxy", "p_qso")]
    assert_allclose(p, predictor.model.class_mix.overall(), atol=0.02)
    assert not answer["in_domain"][0]
    assert np.ma.getmaskarray(answer["class_set"])[0]


def test_numbers_that_are_not_observed_do_not_matter(predictor, table):
    one, other = table[:20].copy(), table[:20].copy()
    for copy, number in ((one, 1e9), (other, -3.0)):
        ivar = np.array(copy["photometry_sdss_ivar"].value)
        flux = np.array(copy["photometry_sdss_flux"].value)
        ivar[:, 4], flux[:, 4] = 0, number
        unit = copy["photometry_sdss_flux"].unit
        copy["photometry_sdss_flux"], copy["photometry_sdss_ivar"] = flux * unit, ivar * unit**-2
    assert (np.asarray(predictor.predict(one)["p_star"]) == np.asarray(predictor.predict(other)["p_star"])).all()


def test_a_prior_moves_the_answers(predictor, table, tmp_path):
    prior = tmp_path / "prior.csv"
    prior.write_text("STAR,GALAXY,QSO\n98,1,1\n")
    moved = predictor.predict(table, prior=prior)
    assert np.asarray(moved["p_star"]).mean() > np.asarray(predictor.predict(table)["p_star"]).mean() + 0.02


def test_what_is_neither_table_nor_catalog_is_refused(predictor, table):
    with pytest.raises(ConfigurationError, match="not dict"):
        predictor.predict({"flux": 1})
    with pytest.raises(ConfigurationError, match="out is for catalogs"):
        predictor.predict(table, out="x")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(BadInputError, match=r"config\.json"):
        Predictor.from_pretrained(tmp_path)


def test_an_answer_that_is_not_finite_is_null(predictor):
    p = np.array([[np.nan] * 3, [0.2, 0.5, 0.3]])
    both = np.array([True, True])
    answers = Answers(p, np.ones((2, 3), bool), np.zeros(2), both, np.full(2, 18.0), both)
    columns = predictor.columns(answers)
    assert columns["p_star"].to_pylist()[0] is None
    assert columns["class_predicted"].to_pylist() == [None, "GALAXY"]
    assert columns["class_set"].to_pylist() == [None, ["STAR", "GALAXY", "QSO"]]
    assert columns["in_domain"].to_pylist() == [None, True]


def test_a_prior_by_another_bands_magnitude_is_refused(predictor, table, tmp_path):
    prior = tmp_path / "prior.csv"
    prior.write_text("g_mag_lo,g_mag_hi,STAR,GALAXY,QSO\n10,30,1,1,1\n")
    with pytest.raises(ConfigurationError, match="by r magnitude"):
        predictor.predict(table, prior=prior)


@pytest.mark.parametrize("name", ["redshift", "both"])
def test_a_table_comes_back_with_redshifts(redshift_runs, name):
    run = redshift_runs[name]
    predictor = Predictor.from_pretrained(run.path)
    table = run.catalog.table()[:30]
    back = predictor.predict(table)
    assert back["z_pdf"].shape == (30, len(predictor.grid))
    assert (np.asarray(back["z_16"]) <= np.asarray(back["z_84"])).all()
    assert ("class_predicted" in back.colnames) == (name == "both")
    assert predictor.tasks == (("redshift",) if name == "redshift" else ("classification", "redshift"))
    empty = predictor.predict(table[:0])
    assert "z_median" in empty.colnames


def test_an_object_of_which_nothing_is_observed_gets_the_training_redshifts(redshift_runs):
    run = redshift_runs["redshift"]
    predictor = Predictor.from_pretrained(run.path)
    blank = run.catalog.table()[:1].copy()
    blank["photometry_sdss_ivar"] = blank["photometry_sdss_ivar"] * 0
    answer = predictor.predict(blank)
    assert_allclose(np.asarray(answer["z_pdf"])[0], predictor.model.redshift_head.prior()[0], rtol=1e-4)
    assert not answer["in_domain"][0]
