"""Starlight around quasars."""

import numpy as np
import pytest

from asterism.simulate.light.quasar_seds import quasar_seds
from asterism.simulate.objects.population import Population
from asterism.simulate.objects.quasar_hosts import with_host
from asterism.simulate.objects.quasars import host_fraction

WAVELENGTH = np.arange(3000.0, 11000.0, 5.0)


def quasars(share, redshift=0.3):
    q = Population.empty(len(share))
    q.kind[:] = "QSO"
    for name, value in {"slope": -0.4, "line_strength": 1.0, "dust": 0.0, "igm": 1.0, "galaxy_type": 0.0}.items():
        getattr(q, name)[:] = value
    q.redshift[:] = redshift
    q.host_fraction[:] = share
    return q


def nuclei_of(q):
    return quasar_seds(q.slope, q.line_strength, q.dust, q.igm, q.redshift, WAVELENGTH)


def test_the_share_is_that_of_the_light_at_5100():
    q = quasars([0.0, 0.2, 0.5])
    nuclei = nuclei_of(q)
    whole = with_host(nuclei, q, WAVELENGTH)
    at = np.argmin(np.abs(WAVELENGTH - 5100.0 * 1.3))
    share = 1.0 - nuclei[:, at - 4 : at + 5].sum(axis=1) / whole[:, at - 4 : at + 5].sum(axis=1)
    assert share == pytest.approx([0.0, 0.2, 0.5], abs=0.02)
    assert np.array_equal(whole[0], nuclei[0])


def test_an_old_host_reddens():
    q = quasars([0.5])
    nuclei = nuclei_of(q)
    ratio = with_host(nuclei, q, WAVELENGTH)[0] / nuclei[0]
    assert ratio[WAVELENGTH < 4500].mean() < ratio[WAVELENGTH > 7000].mean()


def test_luminous_quasars_outshine_their_hosts():
    shares = host_fraction(np.array([-21.0, -23.0, -25.0, -28.0]))
    assert (np.diff(shares) <= 0).all()
    assert shares[-1] == 0
    # Vanden Berk et al. (2006, AJ 131, 84): about half of the light at M_r near -21.
    assert 0.3 < shares[0] < 0.75
