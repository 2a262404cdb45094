"""Conditions over named series, as data: the model, the expressions, the shipped rules, files of rules."""
