import io

import numpy as np

from asterism.explore.spectrum_from_image import Spectra, spectra_from_images
from asterism.explore.spectrum_pictures import prediction_figure


def test_examples_show_what_was_observed_and_what_was_predicted():
    rng = np.random.default_rng(0)
    wavelength = np.linspace(3600, 9800, 300)
    flux = 2 + np.sin(wavelength / 900) + 0.2 * rng.normal(size=(20, 300))
    ivar = np.full((20, 300), 25.0)
    ivar[:, :10] = 0
    spectra = Spectra(wavelength, flux, ivar)
    vectors = rng.normal(size=(20, 5))
    predicted = spectra_from_images(vectors[:3], vectors, spectra, k=4)
    images = [rng.random((16, 16, 3))] * 2
    true = spectra.take(range(3))
    figure = prediction_figure(
        predicted, true, [2, 0], images=images, titles=["one", "two"], beside={"class mean": np.ones((3, 300))}
    )
    figure.savefig(io.BytesIO(), format="png")
    drawn = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title(loc="left") for axes in drawn] == ["one", "two"]
    assert {line.get_label() for line in drawn[0].lines} == {"observed", "class mean", "from the image"}
    # The prediction stands at the level of what was observed.
    line = next(line for line in drawn[0].lines if line.get_label() == "from the image")
    assert abs(np.nanmean(line.get_ydata()) - flux[2].mean()) < 0.2
    assert len(figure.axes) == 4
    bare = prediction_figure(predicted, true, [1])
    bare.savefig(io.BytesIO(), format="png")
    assert len(bare.axes) == 1
