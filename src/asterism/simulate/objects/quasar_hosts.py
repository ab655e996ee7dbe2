"""The galaxies around quasars: their starlight beside the nucleus's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asterism.simulate.light.galaxy_seds import galaxy_seds
from asterism.simulate.light.quasar_seds import quasar_seds
from asterism.simulate.objects.population import Population

__all__ = ["with_host"]

Floats = npt.NDArray[np.float64]

_PIVOT = 5100.0  # Å at rest, where shares of the host are measured
_LEAST = 1e-3  # smaller shares are left out


def with_host(nuclei: Floats, quasars: Population, wavelength: Floats) -> Floats:
    """Spectra of quasars with their hosts.

    Parameters
    ----------
    nuclei : ndarray, shape (n, m)
        f_lambda of the nuclei in the scale of `asterism.simulate.quasar_seds.quasar_seds`, where the continuum is 1 near
        5100 Å at rest but for its dust.
    quasars : Population
        n quasars; `host_fraction` and the host's `galaxy_type` count.
    wavelength : ndarray, shape (m,)
        Observed, Å, vacuum.

    Returns
    -------
    ndarray, shape (n, m)
        In the scale of `nuclei`.
    """
    rows = np.flatnonzero(np.nan_to_num(quasars.host_fraction) > _LEAST)
    if len(rows) == 0:
        return nuclei
    part = quasars.take(rows)
    pivot = _PIVOT + np.array([-20.0, 0.0, 20.0])
    none, zero = np.zeros(len(rows)), np.zeros(len(rows))
    # The nucleus's dust stands before it and not before its host, whose share was measured in unreddened quasars.
    at_pivot = quasar_seds(part.slope, part.line_strength, none, part.igm, zero, pivot).mean(axis=1)
    host_at_pivot = galaxy_seds(part.galaxy_type, none, zero, pivot).mean(axis=1)
    share = part.host_fraction / (1.0 - part.host_fraction)
    host = galaxy_seds(part.galaxy_type, none, part.redshift, wavelength)
    whole = nuclei.copy()
    whole[rows] += host * (share * at_pivot / host_at_pivot)[:, None]
    return whole
