// Level lines of a square raster, by the method of marching squares.

// The lines at 1/count, 2/count, … of an n by n raster of numbers from 0 to 1, as a path in the unit square. A line
// crosses a cell where it lies between two of its corners; where it crosses all four sides, two and two are joined.
export function contours(level, n, count) {
  const path = new Path2D();
  for (let j = 0; j + 1 < n; j++) {
    for (let i = 0; i + 1 < n; i++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const heights = corners.map(([x, y]) => level[y * n + x] * count);
      for (let k = Math.floor(Math.min(...heights)) + 1; k <= Math.max(...heights); k++) {
        const crossed = [];
        for (let e = 0; e < 4; e++) {
          const [a, b] = [heights[e], heights[(e + 1) % 4]];
          if (a < k === b < k) continue;
          const [[x, y], [u, v]] = [corners[e], corners[(e + 1) % 4]];
          const part = (k - a) / (b - a);
          crossed.push([(x + part * (u - x) + 0.5) / n, (y + part * (v - y) + 0.5) / n]);
        }
        for (let p = 0; p + 1 < crossed.length; p += 2) {
          path.moveTo(...crossed[p]);
          path.lineTo(...crossed[p + 1]);
        }
      }
    }
  }
  return path;
}
