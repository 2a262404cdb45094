"""Reports of units and districts per month: what was used, by which factors, and where each number comes from.

`unit.py` and `district.py` read them, `forms.py` writes them for programs, `page.py` for people.
"""
