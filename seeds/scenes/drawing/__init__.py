"""What the synthetic scenes are drawn with: a camera, a ground, lamps, figures, vehicles, paths and sensor grain."""
