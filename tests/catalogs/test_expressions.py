"""The compiler's allow-list: what is not listed is refused, whatever it is."""

import pyarrow as pa
import pytest
import sqlglot

from asterism.catalogs.expressions import ConditionCompiler
from asterism.errors import ConfigurationError

SCHEMA = pa.schema([("x", pa.float64()), ("n", pa.int64()), ("name", pa.string()), ("good", pa.bool_())])

REFUSED = [
    "x = (SELECT 1)",
    "x IN (SELECT 1)",
    "EXISTS (SELECT 1)",
    "name LIKE 'a%' ESCAPE '!'",
    "name ILIKE 'a%'",
    "name || 'a' = 'ab'",
    "CAST(x AS INT) = 1",
    "x::int = 1",
    "CASE WHEN good THEN TRUE ELSE FALSE END",
    "t.x = 1",
    "COUNT(x) > 1",
    "load_extension('x')",
    "read_csv('/etc/passwd')",
    "x % 2 = 0",
    "x <=> 1",
    "INTERVAL 5 DAY",
    "x = 1 COLLATE nocase",
    "RANDOM() > 0.5",
    "x[0] = 1",
    "{fn x}",
    "?",
    ":p = 1",
    "@x = 1",
    "*",
]


@pytest.mark.parametrize("text", REFUSED)
def test_everything_else_is_refused(text):
    try:
        tree = sqlglot.parse_one(text)
    except sqlglot.errors.SqlglotError:
        return
    with pytest.raises(ConfigurationError):
        ConditionCompiler(text, SCHEMA).truth(tree, "the condition")


@pytest.mark.parametrize(
    ("text", "columns"),
    [("x < 1 AND NOT good", {"x", "good"}), ("name IS NULL OR n IN (1, 2)", {"name", "n"}), ("1 = 1", set())],
)
def test_columns_are_collected(text, columns):
    compiler = ConditionCompiler(text, SCHEMA)
    assert compiler.truth(sqlglot.parse_one(text), "the condition").kind == "truth"
    assert compiler.columns == columns
