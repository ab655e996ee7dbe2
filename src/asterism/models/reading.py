"""A trained model reads another survey: the same weights and calibration, other columns of a catalog."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from asterism.errors import BadInputError, ConfigurationError
from asterism.models.inputs import ModelInputs

if TYPE_CHECKING:
    import pyarrow as pa

    from asterism.catalogs.schema import Group
    from asterism.models.model import Model

__all__ = ["inputs_for", "reading"]


def reading(model: Model, inputs: ModelInputs) -> Model:
    """The model with other inputs; see `Model.reading`."""
    if inputs == model.config.inputs:
        return model
    trained = model.trained_inputs
    if unread := [role for role in inputs.roles if role not in trained.roles]:
        raise ConfigurationError(
            f"the model was trained on {', '.join(trained.roles)} and can't read {unread[0]}; name what it reads"
        )
    other = copy.deepcopy(model)
    other.network.turn_to(inputs)
    other.config = model.config.model_copy(update={"inputs": inputs})
    other.trained_inputs = trained
    return other


def inputs_for(
    model: Model, schema: pa.Schema, where: str = "the catalog", inputs: str | None = None
) -> tuple[Model, dict[str, Group]]:
    """The model for a catalog, and the catalog's groups for its roles; see `Model.inputs_for`."""
    from asterism.catalogs.roles import bind_roles
    from asterism.catalogs.schema import groups

    if not model.network.any_grid:
        return model, model.config.inputs.check(schema, where)
    trained = model.trained_inputs
    if inputs is not None:
        bound = bind_roles(schema, inputs)
    else:
        bound = {}
        found = groups(schema)
        for role in trained.roles:
            of_kind = [group for group in found.values() if group.kind == role]
            wanted = found.get(getattr(trained, role).group)
            if wanted is not None:
                bound[role] = wanted
            elif len(of_kind) > 1:
                raise ConfigurationError(
                    f"{where} has several {role} groups ({', '.join(sorted(g.name for g in of_kind))}); "
                    f"name the one that the model shall read, as {role}=GROUP"
                )
            elif of_kind:
                bound[role] = of_kind[0]
        if not bound:
            return model, trained.check(schema, where)  # refuses, in the usual words
    try:
        other = reading(model, ModelInputs.from_bindings(bound))
    except ConfigurationError as error:
        raise BadInputError(f"{where}: {error}") from error
    return other, other.config.inputs.check(schema, where)
