import json

from asterism.papers.macnet.assist_report import assist_sections


def test_a_section_for_each_training_set(place):
    entries = json.loads((place / "results.json").read_text())["assist"]
    (section,) = assist_sections(entries)
    assert "labels" in section.title
    assert "without a label" in section.texts[0]
    classes, redshifts = section.tables
    assert [row[0].text for row in classes.rows][-2:] == ["taught less alone", "taught less LightGBM"]
    assert len(redshifts.rows) == 6
    assert [row[-1].text for row in redshifts.rows if "LightGBM" in row[0].text] == ["–", "–"]


def test_colours_say_which_is_better():
    entry = {
        "training": "few",
        "trained_on": {"GALAXY": 1},
        "taught": None,
        "classes": {
            "images-taught": {"n": 5, "accuracy": 0.9, "accuracy_std": None, "log_loss": 0.3, "log_loss_std": 0.1}
        },
        "class_differences": {
            "images-alone": {
                "accuracy": {"difference": 0.1, "interval": [0.05, 0.15]},
                "log_loss": {"difference": -0.1, "interval": [-0.2, -0.05]},
            }
        },
        "redshifts": {},
        "redshift_differences": {},
    }
    (section,) = assist_sections([entry])
    (table,) = section.tables
    assert [cell.verdict for cell in table.rows[-1][2:]] == ["better", "better"]
    entry["class_differences"]["images-alone"]["log_loss"] = {"difference": 0.0, "interval": [-0.2, 0.2]}
    (section,) = assist_sections([entry])
    assert section.tables[0].rows[-1][3].verdict == ""
