"""The derived data sets against what the documents and R printed."""

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import (
    load,
    simulate_three_level,
    sleepstudy_three,
    star_kindergarten,
    star_sample,
)

# Document 000, section 3: dat[1:30, ].
PRINTED_ROWS = """
1   0.40529698      a      1 -0.5604756  1.7150650 -1.06782371 -0.21538051
2   1.11089492      a      1 -0.5604756  1.7150650 -0.21797491  0.06529303
3   0.60751986      a      1 -0.5604756  1.7150650 -1.02600445 -0.03406725
4   2.91859562      a      1 -0.5604756  1.7150650 -0.72889123  2.12845190
5   0.10073361      a      1 -0.5604756  1.7150650 -0.62503927 -0.74133610
6  -2.03890236      a      2 -0.5604756  0.4609162 -1.68669331 -1.09599627
7   0.35712248      a      2 -0.5604756  0.4609162  0.83778704  0.03778840
8   0.28760787      a      2 -0.5604756  0.4609162  0.15337312  0.31048075
9  -0.23210443      a      2 -0.5604756  0.4609162 -1.13813694  0.43652348
10  0.06898269      a      2 -0.5604756  0.4609162  1.25381492 -0.45836533
11 -2.67563090      a      3 -0.5604756 -1.2650612  0.42646422 -1.06332613
12 -0.70988745      a      3 -0.5604756 -1.2650612 -0.29507148  1.26318518
13 -1.72762444      a      3 -0.5604756 -1.2650612  0.89512566 -0.34965039
14 -2.25198300      a      3 -0.5604756 -1.2650612  0.87813349 -0.86551286
15 -1.65102591      a      3 -0.5604756 -1.2650612  0.82158108 -0.23627957
16 -0.76988611      b      4 -0.2301775 -0.6868529  0.68864025 -0.19717589
17  0.46984878      b      4 -0.2301775 -0.6868529  0.55391765  1.10992029
18 -0.86324890      b      4 -0.2301775 -0.6868529 -0.06191171  0.08473729
19 -0.31595789      b      4 -0.2301775 -0.6868529 -0.30596266  0.75405379
20 -1.60655786      b      4 -0.2301775 -0.6868529 -0.38047100 -0.49929202
21 -0.80874764      b      5 -0.2301775 -0.4456620 -0.69470698  0.21444531
22 -1.10448401      b      5 -0.2301775 -0.4456620 -0.20791728 -0.32468591
23 -1.21395411      b      5 -0.2301775 -0.4456620 -1.26539635  0.09458353
24 -0.48672483      b      5 -0.2301775 -0.4456620  2.16895597 -0.89536336
25 -1.38265999      b      5 -0.2301775 -0.4456620  1.20796200 -1.31080153
26  2.42956340      b      6 -0.2301775  1.2240818 -1.12310858  1.99721338
27  1.39317071      b      6 -0.2301775  1.2240818 -0.40288484  0.60070882
28 -0.49069473      b      6 -0.2301775  1.2240818 -0.46665535 -1.25127136
29  0.77272095      b      6 -0.2301775  1.2240818  0.77996512 -0.61116592
30 -0.23326031      b      6 -0.2301775  1.2240818 -0.08336907 -1.18548008
"""


def test_three_level_has_the_printed_rows() -> None:
    frame = simulate_three_level(123)
    lines = [line.split() for line in PRINTED_ROWS.strip().splitlines()]
    assert len(lines) == 30
    for row, (number, y, school, teacher, e3, e2, x1, e1) in zip(frame.itertuples(index=False), lines, strict=False):
        seen = dict(zip(frame.columns, row, strict=True))
        assert (seen["sch.cl"], seen["tch.cl"]) == (school, int(teacher)), f"row {number}"
        printed = {"y": y, "e3": e3, "e2": e2, "x1": x1, "e1": e1}
        for column, figure in printed.items():
            digits = len(figure.partition(".")[2])
            assert f"{seen[column]:.{digits}f}" == figure, f"row {number}, {column}"


def test_three_level_recycles_its_effects_as_r_does() -> None:
    frame = simulate_three_level(123)
    assert frame.shape == (150, 7)
    assert list(frame.columns) == ["y", "sch.cl", "tch.cl", "e3", "e2", "x1", "e1"]
    assert frame["e3"].nunique() == 5 and frame["e2"].nunique() == 15
    assert frame.loc[75:, "e3"].tolist() == frame.loc[:74, "e3"].tolist()
    assert frame["tch.cl"].nunique() == 30 and frame["sch.cl"].nunique() == 10


# The document's code in R 4.2.2 with n1 <- 10; n2 <- 2; n3 <- 5: y[c(1, 101, 200)] by sprintf("%a").
def test_three_level_where_the_effects_are_the_longer_vector() -> None:
    y = simulate_three_level(123, n1=10, n2=2, n3=5)["y"]
    printed = ["0x1.29234757f349ep+1", "0x1.270b08dd3e516p+1", "-0x1.f1db182c0284p-3"]
    assert len(y) == 200
    assert y[[0, 100, 199]].tolist() == [float.fromhex(figure) for figure in printed]


@pytest.mark.parametrize("sizes", [{"n3": 27}, {"n1": 0}, {"n2": 0}, {"n1": 4}])
def test_three_level_refuses_sizes_that_r_cannot_recycle(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        simulate_three_level(**sizes)


# set.seed(123); k <- star[star$gr == 'K', ]; ks <- k[sample.int(nrow(k), round(nrow(k) * .2)), ]
# head(ks, 5), tail(ks, 2), dim(ks) and colSums(is.na(ks)) of R 4.2.2.
def test_star_sample_has_the_rows_that_r_drew() -> None:
    frame = star_sample()
    assert frame.shape == (1265, 18)
    columns = ["id", "sch", "cltype", "hdeg", "clad", "read", "math", "tch"]
    first = [
        ["165804", "76", "reg+A", "MS/MA/MEd", "1", 411, 449, "1327"],
        ["166974", "38", "reg+A", "MS/MA/MEd", "1", 445, 478, "651"],
        ["15918", "72", "reg", "MS/MA/MEd", "1", 470, 536, "1253"],
        ["114172", "33", "small", "BS/BA", "APPR", 419, 434, "567"],
        ["47069", "54", "reg", "MS/MA/MEd", "1", 408, 434, "927"],
    ]
    assert frame.loc[:4, columns].to_numpy().tolist() == first
    assert frame["id"].iloc[-2:].tolist() == ["130604", "180054"]
    assert frame["clad"].iloc[-2] == "1" and pd.isna(frame["clad"].iloc[-1])
    missing = {
        "hdeg": 2,
        "clad": 111,
        "trace": 8,
        "exp": 2,
        "read": 115,
        "math": 99,
        "ses": 5,
        "eth": 1,
        "birthy": 2,
    }
    seen = frame.isna().sum()
    assert seen[seen > 0].to_dict() == missing


# set.seed(2024) with .1 in R: 6325 * .1 is 632.5, which R rounds to the even 632.
def test_star_sample_rounds_half_to_even() -> None:
    frame = star_sample(2024, 0.1)
    assert len(frame) == 632
    assert frame["id"].iloc[:3].tolist() == ["83833", "5625", "29340"]
    assert pd.isna(frame["read"].iloc[1])


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_star_sample_refuses_a_fraction_out_of_range(fraction: float) -> None:
    with pytest.raises(ValueError, match="is out of range"):
        star_sample(1, fraction)


def test_subsets_keep_the_levels_that_lost_their_rows() -> None:
    three = sleepstudy_three()
    assert three["Subject"].unique().tolist() == ["309", "330", "371"]
    assert len(three["Subject"].cat.categories) == 18
    assert three.index.tolist() == list(range(30))
    kindergarten = star_kindergarten()
    assert kindergarten.shape == (6325, 18)
    assert list(kindergarten["gr"].cat.categories) == ["K", "1", "2", "3"]
    assert len(kindergarten["tch"].cat.categories) == 1387


@pytest.mark.parametrize("name", ["sleepstudy_three", "star_kindergarten", "star_sample", "three_level"])
def test_derived_data_sets_are_loaded_with_metadata(name: str) -> None:
    dataset = load(name)
    assert dataset.meta["rows"] == len(dataset.frame)
    assert [column["name"] for column in dataset.meta["columns"]] == list(dataset.frame.columns)
    assert dataset.meta["sha256"] == dataset.sha256 == load(name).sha256
    assert dataset.meta["source"] and dataset.meta["licence"]
    numeric = dataset.frame.select_dtypes("number").columns[0]
    dataset.frame.loc[0, numeric] = 99
    assert not np.array_equal(dataset.frame[numeric], load(name).frame[numeric])
