import json

from asterism.papers.avis.latex import latex_table


def test_each_method_stands_in_the_table_with_what_it_reads(place):
    text = latex_table(json.loads((place / "results.json").read_text()))
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert all(line.count("&") == 7 and line.endswith(r"\\") for line in body)
    assert sum("InfoNCE, pre-trained" in line for line in body) == 1
    assert sum(" & image & " in line for line in body) == 3  # aligned, PCA, supervised
    assert text.count(r"\begin") == text.count(r"\end")
