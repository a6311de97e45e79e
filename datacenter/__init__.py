"""An external market participant (EMT): verifies what a gateway delivers and stores it."""
