"""What the recipes share: answers and scores of nets, statistics over seeds, stages, pages."""
