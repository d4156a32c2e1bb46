"""From the columns to days of KPIs, which are kept for whoever shows them."""
