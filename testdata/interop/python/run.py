"""Runs scenarios with Python's client: python3 run.py URL MODE KIND SCENARIO..."""
import importlib
import os
import sys
import traceback

from check import check, say

for scenario in sys.argv[4:]:
    try:
        importlib.import_module(scenario).run()
    except Exception:
        check(scenario + " comes to its end", traceback.format_exc()[-500:], "no exception")
say(done=True)
os._exit(0)  # whatever threads and tasks the clients still have
