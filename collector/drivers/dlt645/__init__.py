"""DL/T 645-2007, which most Chinese electricity meters speak, over a serial line or a serial converter."""
