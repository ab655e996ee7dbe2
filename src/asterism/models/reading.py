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
    """A copy of a model with the same weights, calibration and fingerprint that reads other inputs.

    Parameters
    ----------
    model : Model
        Trained; itself maybe `reading` something else already.
    inputs : ModelInputs
        Some of the roles it was trained on: spectra on any grid, images of the same pixel scale, bands matched by name.

    Returns
    -------
    Model
        The model itself where the inputs are its own.

    Raises
    ------
    ConfigurationError
        It can't read them, or its network (`asterism.models.network.Network.any_grid`) reads only what it was trained on.
    """
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
    """The model for a catalog, and which of the catalog's groups serve its roles.

    For most networks this is the model itself, after `ModelInputs.check`. One that reads any grid takes the group it was
    trained on where the catalog has it, else the only one of the kind; a role that the catalog lacks is absent.

    Parameters
    ----------
    model : Model
    schema : pyarrow.Schema
        Of the catalog, with field metadata.
    where : str
        Its name, for the message.
    inputs : str, optional
        Roles to read, or groups for them, as `asterism.catalogs.roles.bind_roles` has it; for networks that read any grid.

    Returns
    -------
    model : Model
        The model, or what `reading` gives.
    bindings : dict of str to Group
        Role → group, ready for `asterism.catalogs.stream`.

    Raises
    ------
    BadInputError
        The catalog has nothing that the model can read, or something that differs from what it can.
    ConfigurationError
        Several groups could serve a role.
    """
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
