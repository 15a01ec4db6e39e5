"""False alarms: generated designs, judged on all engines, and a proof of every verdict that something is wrong."""
