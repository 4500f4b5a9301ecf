"""What is documented of keys, beside the list of online values: for tests of more than one room."""

#: Unit and scale of parameters (webconnect.md, section g).
PARAMETERS = {
    "6800_008AA200": ("", "1"),
    "6800_00894800": ("Wh", "1"),
    "6800_0092D700": ("W", "1"),
    "6800_0092D800": ("%", "1"),
    "6802_00832B00": ("W", "1"),
    "6802_00924200": ("W", "1"),
    "6802_00924300": ("%", "1"),
}
