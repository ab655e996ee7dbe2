"""From the tree of a condition to vectorised functions: an allow-list of what a condition may hold, with its types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from asterism.catalogs.scalars import ambiguous_magnitudes, derived_scalars
from asterism.errors import ConfigurationError, unknown_name

__all__ = ["WHAT", "ConditionCompiler", "Value", "shortened"]

WHAT = (
    "comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, + - * /, abs, log10, sqrt, power, numbers, 'text'"
    " and columns"
)
"""What a condition may hold, for messages."""

Kind = Literal["number", "text", "truth", "null"]
Evaluator = Callable[[pa.Table], Any]
Node: TypeAlias = Any  # sqlglot's base class has another name in each major version


@dataclass(frozen=True)
class Value:
    """A sub-expression.

    Attributes
    ----------
    kind : {"number", "text", "truth", "null"}
        What it yields.
    evaluate : callable
        Table → Arrow array or scalar.
    literal : int, float, str, bool or None
        Its value where it is a literal.
    """

    kind: Kind
    evaluate: Evaluator
    literal: Any = None


# What a node of each kind may carry. Anything else set on it (an ESCAPE, a subquery, a table name) is refused.
_ALLOWED: dict[type[Node], frozenset[str]] = {
    exp.Paren: frozenset({"this"}),
    exp.Column: frozenset({"this"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Boolean: frozenset({"this"}),
    exp.Null: frozenset(),
    exp.Not: frozenset({"this"}),
    exp.Neg: frozenset({"this"}),
    exp.Abs: frozenset({"this"}),
    exp.Sqrt: frozenset({"this"}),
    exp.Is: frozenset({"this", "expression"}),
    exp.In: frozenset({"this", "expressions"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Like: frozenset({"this", "expression", "negate"}),
    **{
        node: frozenset({"this", "expression"})
        for node in (
            exp.And, exp.Or, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE,
            exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Pow, exp.Log,
        )
    },
}  # fmt: skip

_COMPARISONS: dict[type[Node], Callable[[Any, Any], Any]] = {
    exp.EQ: pc.equal,
    exp.NEQ: pc.not_equal,
    exp.LT: pc.less,
    exp.LTE: pc.less_equal,
    exp.GT: pc.greater,
    exp.GTE: pc.greater_equal,
}
_ARITHMETIC: dict[type[Node], Callable[[Any, Any], Any]] = {
    exp.Add: pc.add,
    exp.Sub: pc.subtract,
    exp.Mul: pc.multiply,
    exp.Div: pc.divide,
    exp.Pow: pc.power,
}
_FUNCTIONS: dict[type[Node], Callable[[Any], Any]] = {exp.Neg: pc.negate, exp.Abs: pc.abs, exp.Sqrt: pc.sqrt}


def _double(value: Any) -> Any:
    return pc.cast(value, pa.float64(), safe=False)


def _finite_or_null(value: Any) -> Any:
    # SQL has no NaN or infinity: 1/0, log10(0) and sqrt(-1) are NULL.
    return pc.if_else(pc.is_finite(value), value, pa.scalar(None, pa.float64()))


def _compare(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if left.type != right.type and not pa.types.is_string(left.type):
        left, right = _double(left), _double(right)
    return operation(left, right)


class ConditionCompiler:
    """One walk over the tree of a condition.

    Parameters
    ----------
    expression : str
        The text, for messages.
    schema : pyarrow.Schema
        The catalog's schema with its field metadata.

    Attributes
    ----------
    columns : set of str
        The stored columns met so far.
    """

    def __init__(self, expression: str, schema: pa.Schema) -> None:
        self.expression = expression
        self.schema = schema
        self.columns: set[str] = set()
        self.scalars = derived_scalars(schema)

    def fail(self, message: str) -> ConfigurationError:
        return ConfigurationError(f"in the condition {shortened(self.expression)}: {message}")

    def allow(self, node: Node) -> None:
        allowed = _ALLOWED.get(type(node))
        set_here = {key for key, value in node.args.items() if value not in (None, False, [], "")}
        if allowed is None or (set_here - allowed):
            raise self.fail(f"{shortened(node.sql())} is not allowed; use {WHAT}")

    def truth(self, node: Node, where: str) -> Value:
        """Compile a node that must yield true, false or unknown; `where` says which it is, for the error."""
        value = self.value(node)
        if value.kind not in ("truth", "null"):
            raise self.fail(f"{shortened(node.sql())} is a {value.kind}, but {where} must be true or false")
        return value

    def number(self, node: Node) -> Value:
        value = self.value(node)
        if value.kind != "number":
            raise self.fail(f"{shortened(node.sql())} is {_article(value.kind)} where a number is needed")
        return value

    def value(self, node: Node) -> Value:
        self.allow(node)
        kind = type(node)
        if kind is exp.Paren:
            return self.value(node.this)
        if kind is exp.Column:
            return self.column(node)
        if kind in (exp.Literal, exp.Boolean, exp.Null):
            return self.constant(node)
        if kind in (exp.And, exp.Or):
            left, right = self.truth(node.this, "each side"), self.truth(node.expression, "each side")
            join = pc.and_kleene if kind is exp.And else pc.or_kleene
            return Value("truth", lambda t: join(left.evaluate(t), right.evaluate(t)))
        if kind is exp.Not:
            inner = self.truth(node.this, "what follows NOT")
            return Value("truth", lambda t: pc.invert(inner.evaluate(t)))
        if kind in _COMPARISONS:
            left, right = self.pair(node, node.this, node.expression)
            compare = _COMPARISONS[kind]
            return Value("truth", lambda t: _compare(compare, left.evaluate(t), right.evaluate(t)))
        if kind is exp.Between:
            low, high = (
                exp.GTE(this=node.this, expression=node.args["low"]),
                exp.LTE(this=node.this, expression=node.args["high"]),
            )
            return self.value(exp.And(this=low, expression=high))
        if kind is exp.In:
            return self.membership(node)
        if kind is exp.Like:
            return self.like(node)
        if kind is exp.Is:
            return self.is_null(node)
        return self.arithmetic(node)

    def arithmetic(self, node: Node) -> Value:
        kind = type(node)
        if kind is exp.Log:
            # sqlglot reads log10(x) as log(10, x); log(x) alone means ln in some dialects and log10 in others.
            if node.expression is None or node.this.sql() != "10":
                raise self.fail(f"{shortened(node.sql())} leaves the base open; use log10")
            inner = self.number(node.expression)
            return Value("number", lambda t: _finite_or_null(pc.log10(_double(inner.evaluate(t)))))
        if kind in _FUNCTIONS:
            function, inner = _FUNCTIONS[kind], self.number(node.this)
            if kind is exp.Neg and isinstance(inner.literal, int):
                return _literal(-inner.literal)
            return Value("number", lambda t: _finite_or_null(function(_double(inner.evaluate(t)))))
        operation, left, right = _ARITHMETIC[kind], self.number(node.this), self.number(node.expression)
        return Value(
            "number",
            lambda t: _finite_or_null(operation(_double(left.evaluate(t)), _double(right.evaluate(t)))),
        )

    def pair(self, node: Node, *sides: Node) -> list[Value]:
        values = [self.value(side) for side in sides]
        if any(v.kind == "null" for v in values):
            raise self.fail(f"{shortened(node.sql())} compares with NULL and is never true; use IS NULL")
        if len({v.kind for v in values}) > 1:
            kinds = " with ".join(_article(v.kind) for v in values)
            raise self.fail(f"{shortened(node.sql())} compares {kinds}")
        return values

    def membership(self, node: Node) -> Value:
        choices = node.expressions
        if not choices:
            raise self.fail(f"{shortened(node.sql())} has an empty list after IN")
        left, *values = self.pair(node, node.this, *choices)
        if any(v.literal is None for v in values):
            raise self.fail(f"{shortened(node.sql())} may list only numbers and text after IN")
        literals = [v.literal for v in values]
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in literals)

        def evaluate(table: pa.Table) -> Any:
            column = left.evaluate(table)
            if left.kind == "number" and not (whole and pa.types.is_int64(column.type)):
                column, among = _double(column), pa.array([float(v) for v in literals])
            else:
                among = pa.array(literals)
            found = pc.is_in(column, value_set=among)
            # is_in says False for null; SQL says unknown, which matters under NOT.
            return pc.if_else(pc.is_valid(column), found, pa.scalar(None, pa.bool_()))

        return Value("truth", evaluate)

    def like(self, node: Node) -> Value:
        left, right = self.pair(node, node.this, node.expression)
        if left.kind != "text" or right.literal is None:
            raise self.fail(f"{shortened(node.sql())} must compare a text column with a pattern such as 'DR%'")
        pattern, negate = right.literal, bool(node.args.get("negate"))

        def evaluate(table: pa.Table) -> Any:
            matched = pc.match_like(left.evaluate(table), pattern)
            return pc.invert(matched) if negate else matched

        return Value("truth", evaluate)

    def is_null(self, node: Node) -> Value:
        right = node.expression
        if isinstance(right, exp.Boolean):
            inner, wanted = self.truth(node.this, "what stands before IS"), bool(right.this)
            return Value("truth", lambda t: pc.fill_null(pc.equal(inner.evaluate(t), wanted), False))
        if not isinstance(right, exp.Null):
            raise self.fail(f"{shortened(node.sql())} is not allowed; use IS NULL or IS NOT NULL")
        if isinstance(node.this, exp.Column) and self.is_group(node.this):
            name = self.name(node.this)
            self.columns.add(name)
            return Value("truth", lambda t: pc.is_null(t[name]))
        inner = self.value(node.this)
        return Value("truth", lambda t: pc.is_null(inner.evaluate(t)))

    def constant(self, node: Node) -> Value:
        if isinstance(node, exp.Null):
            return Value("null", lambda t: pa.scalar(None, pa.bool_()))
        if isinstance(node, exp.Boolean):
            return _literal(bool(node.this))
        if node.is_string:
            return _literal(str(node.this))
        try:
            whole = int(node.this)
            return _literal(whole if -(2**63) <= whole < 2**63 else float(whole))
        except (ValueError, OverflowError):
            pass
        try:
            return _literal(float(node.this))
        except ValueError:
            raise self.fail(f"{shortened(node.this)} is not a number") from None

    def name(self, node: Node) -> str:
        identifier = node.this
        if not isinstance(identifier, exp.Identifier):
            raise self.fail(f"{shortened(node.sql())} is not allowed; use {WHAT}")
        self.allow(identifier)
        return str(identifier.this)

    def is_group(self, node: Node) -> bool:
        self.allow(node)
        name = self.name(node)
        return name in self.schema.names and pa.types.is_nested(self.schema.field(name).type)

    def column(self, node: Node) -> Value:
        name = self.name(node)
        if name in self.schema.names:
            return self.stored(name)
        if name in self.scalars:
            scalar = self.scalars[name]
            self.columns.update(scalar.columns)
            return Value("number", lambda t: _nan_to_null(pa.array(scalar.evaluate(t))))
        choice = ambiguous_magnitudes(self.schema).get(name)
        if choice:
            raise self.fail(f"{name!r} could be {' or '.join(choice)}; name it in full")
        scalars = [n for n, f in zip(self.schema.names, self.schema.types, strict=True) if not pa.types.is_nested(f)]
        sentence = unknown_name("column", name, [*scalars, *self.scalars])
        if node.this.args.get("quoted"):
            sentence += "; text takes single quotes"
        raise self.fail(sentence)

    def stored(self, name: str) -> Value:
        type_ = self.schema.field(name).type
        if pa.types.is_dictionary(type_):
            type_ = type_.value_type
        self.columns.add(name)
        if pa.types.is_boolean(type_):
            return Value("truth", lambda t: t[name])
        if pa.types.is_string(type_) or pa.types.is_large_string(type_):
            return Value("text", lambda t: pc.cast(t[name], pa.string()))
        if pa.types.is_integer(type_) and not pa.types.is_uint64(type_):
            return Value("number", lambda t: pc.cast(t[name], pa.int64()))
        if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
            return Value("number", lambda t: _nan_to_null(_double(t[name])))
        per_band = [n for n, scalar in self.scalars.items() if name in scalar.columns and n.startswith(name)]
        hint = (
            f"use one of {', '.join(per_band[:8])}" if per_band else "only numbers, text and true/false can be compared"
        )
        raise self.fail(f"column {name!r} holds {type_}; {hint}")


def _nan_to_null(value: Any) -> Any:
    return pc.if_else(pc.is_nan(value), pa.scalar(None, pa.float64()), value)


def _literal(value: bool | int | float | str) -> Value:
    kind: Kind = "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    scalar = pa.scalar(value)
    return Value(kind, lambda t: scalar, value)


def shortened(text: str) -> str:
    """A piece of a condition in quotes, cut to 80 characters, for messages."""
    return repr(text if len(text) <= 80 else text[:77] + "…")


def _article(kind: Kind) -> str:
    return {"number": "a number", "text": "text", "truth": "true/false", "null": "NULL"}[kind]
