"""Whether a group gets less of what is good or more of a burden: rates, intervals, and few false alarms."""
