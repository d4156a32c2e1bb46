"""What another policy would have changed for customers: from a backtest's calls to contacts, people and KPIs."""
