"""Light through a fibre and a spectrograph: 1D spectra."""
