import json

from asterism.papers.macnet.maps_report import maps_section, windows_section


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_maps_are_named_once_and_groups_stand_below(place):
    results = json.loads((place / "results.json").read_text())
    maps, *agreement = maps_section(results, ()).tables
    told = texts(maps)
    named = [row[0] for row in told if row[0]]
    assert named[:2] == ["Grad-CAM after attention", "Grad-CAM before"]
    assert len(named) == len(set(named))
    assert told[0][1] == "all"
    assert all(len(row) == len(maps.columns) for row in told)
    assert len(agreement) == bool(results["agreement"])


def test_whether_maps_and_windows_agree_is_a_table():
    found = {"class": "QSO", "cam": "hirescam", "subtracted": True, "red_share": 0.3, "map_arm": "blue"}
    found |= {"f1": {"blue": 0.8, "red": 0.9}, "window_arm": "red", "other_arm": "blue", "agree": False}
    _, table = maps_section({"maps": [], "agreement": [found]}, ()).tables
    assert texts(table) == [
        ["HiResCAM, sky subtracted", "QSO", "0.30", "blue", "0.800", "0.900", "red", "disagree"]
    ]  # fmt: skip


def test_windows_tell_precision_and_f1_of_each_class(place):
    results = json.loads((place / "results.json").read_text())
    (table,) = windows_section(results, ()).tables
    assert [row[:3] for row in texts(table)] == [
        ["blue", "1000–3000", "left in"],
        ["red", "2136–4136", "left in"],
    ]
    quasars = results["windows"][0]["classes"]["QSO"]
    place_of = table.columns.index("QSO F1")
    assert texts(table)[0][place_of] == f"{quasars['f1']:.3f}"
