// The two densities of a GAN on a line, the best discriminator between them,
// and how three losses pull the mean of the generator. All sums are on a grid.
(() => {
  const STEP = 0.01;
  const LINE = d3.range(-1200, 1201).map((i) => i * STEP);
  const ROUGH = 0.05; // the step for the curves over the mean
  const LR = 0.05; // learning rate
  const ROUND = 20; // steps for each press
  const FARTHEST = 6;

  const log_normal = (x, mean, width) => -0.5 * ((x - mean) / width) ** 2 - Math.log(width * Math.sqrt(2 * Math.PI));
  const softplus = (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));
  const log_data = {
    two: (x) => {
      const [a, b] = [Math.log(0.6) + log_normal(x, -1.5, 0.4), Math.log(0.4) + log_normal(x, 1.2, 0.6)];
      return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
    },
    one: (x) => log_normal(x, 0, 0.6),
  };

  // divergence, distance, and the gradients of three losses for the mean
  const measure = (data, mean, width, step = STEP) => {
    const sums = { js: 0, w: 0, minimax: 0, saturating: 0, wasserstein: 0 };
    let [below_p, below_q, below_slope] = [0, 0, 0]; // the distribution functions, and the slope of q's
    for (let i = 0; i < LINE.length; i += Math.round(step / STEP)) {
      const x = LINE[i];
      const [log_p, log_q] = [log_data[data](x), log_normal(x, mean, width)];
      const [p, q] = [Math.exp(log_p), Math.exp(log_q)];
      const real = -softplus(log_q - log_p); // log D*
      const fake = -softplus(log_p - log_q); // log(1 - D*)
      const slope = (q * (x - mean)) / width ** 2; // of q, for the mean
      below_p += p * step;
      below_q += q * step;
      below_slope += slope * step;
      sums.js += ((p * (real + Math.LN2) + q * (fake + Math.LN2)) / 2) * step;
      sums.w += Math.abs(below_q - below_p) * step;
      sums.minimax += slope * fake * step;
      sums.saturating -= slope * real * step;
      const gap = below_q - below_p;
      if (Math.abs(gap) > 1e-9) sums.wasserstein += Math.sign(gap) * below_slope * step; // else they cross at x
    }
    return sums;
  };

  let known = {}; // the curves over the mean, for one data and width
  const sweep = (data, width) => {
    if (known.data !== data || known.width !== width) {
      const means = d3.range(-FARTHEST, FARTHEST + 0.01, 0.25);
      known = { data, width, curve: means.map((mean) => [mean, measure(data, mean, width, ROUGH)]) };
    }
    return known.curve;
  };

  const x = d3.scaleLinear([-8, 8], [40, 446]);
  const high = d3.scaleLinear([0, 1.1], [136, 32]);
  const peak = (width) => 1 / (width * Math.sqrt(2 * Math.PI));
  const way = (gradient) => (Math.abs(gradient) < 0.005 ? "nowhere" : gradient > 0 ? "left" : "right");

  live.figure("densities", {
    title: "two densities",
    size: [460, 390],
    start: { mean: 4.5, width: 0.8, data: "two", loss: "minimax" },
    controls: [
      { kind: "range", name: "mean", label: "Mean of q", min: -FARTHEST, max: FARTHEST, step: 0.1, text: live.two },
      {
        kind: "range",
        name: "width",
        label: "Standard deviation of q",
        min: 0.4,
        max: 1.5,
        step: 0.05,
        text: live.two,
      },
      {
        kind: "choice",
        name: "data",
        label: "Data",
        options: [
          ["two", "two bumps"],
          ["one", "one bump"],
        ],
      },
      {
        kind: "choice",
        name: "loss",
        label: "Loss",
        options: [["minimax"], ["saturating", "non-saturating"], ["wasserstein", "Wasserstein"]],
      },
      {
        kind: "button",
        label: `${ROUND} steps downhill`,
        press: ({ data, width, loss, mean }) => {
          for (let i = 0; i < ROUND; i++) mean -= LR * measure(data, mean, width)[loss];
          return { mean: live.within(mean, -FARTHEST, FARTHEST) };
        },
      },
    ],
    numbers: [
      ["mean", "Mean", 2],
      ["js", "JS", 3],
      ["d_loss", "Loss of the best D", 3],
      ["w", "Wasserstein", 2],
      ["minimax", "Gradients: minimax", 4],
      ["saturating", "non-saturating", 2],
      ["wasserstein", "Wasserstein", 2],
    ],
    drag: (handle, px, py) => {
      const width = 1 / (Math.max(high.invert(py), 0.1) * Math.sqrt(2 * Math.PI));
      const round = (value, parts) => Math.round(value * parts) / parts;
      const mean = live.within(round(x.invert(px), 10), -FARTHEST, FARTHEST);
      return { mean, width: live.within(round(width, 100), 0.4, 1.5) };
    },
    compute: ({ mean, width, data }) => {
      const sums = measure(data, mean, width);
      return { ...sums, mean, d_loss: Math.log(4) - 2 * sums.js, curve: sweep(data, width) };
    },
    say: ({ js, w, minimax, saturating, wasserstein }) => {
      const pulls = [minimax, saturating, wasserstein].map(way);
      if (js < 1e-6 && pulls.every((pull) => pull === "nowhere"))
        return "The densities are equal. The best D answers one half everywhere, and no loss pulls the generator.";
      if (js > 0.66)
        return (
          `Hardly any overlap: JS is near its ceiling, ln 2 = 0.693. The minimax gradient is only ` +
          `${live.text(minimax, 4)}; the Wasserstein gradient is still ${live.two(wasserstein)}.`
        );
      const best =
        js < 0.02
          ? "The two nearly agree, and D is close to one half where they lie."
          : "D is above one half where the data is denser.";
      if (new Set(pulls).size === 1) {
        const all =
          pulls[0] === "nowhere"
            ? "Here no gradient reaches 0.005: the mean hardly moves."
            : `All three losses pull q to the ${pulls[0]}.`;
        return `${best} ${all}`;
      }
      const to = (pull) => (pull === "nowhere" ? "hardly at all" : `to the ${pull}`);
      return `${best} Minimax pulls q ${to(pulls[0])}, non-saturating ${to(pulls[1])}, Wasserstein ${to(pulls[2])}.`;
    },
    draw: (svg, { js, w, curve, ...gradients }, { mean, width, data, loss }) => {
      const places = LINE.filter((place, i) => i % 10 === 0 && Math.abs(place) <= 8);
      const path = (y, value, names, area) => {
        const shape = area
          ? d3.area(x, y(0), (place) => y(value(place))).digits(1)
          : d3.line(x, (place) => y(value(place))).digits(1);
        return svg.append("path").attr("class", names).attr("d", shape(places));
      };
      const axis = (y, ticks) => {
        const [left, right] = x.range();
        svg
          .append("g")
          .attr("class", "axis")
          .attr("transform", `translate(${left},0)`)
          .call(d3.axisLeft(y).tickValues(ticks));
        svg
          .append("path")
          .attr("class", "stroke thin")
          .attr("d", `M${left},${y(0)}H${right}`);
      };
      const q = (place) => Math.exp(log_normal(place, mean, width));

      live.word(svg, 46, 20, "data p", "a strong");
      live.word(svg, 110, 20, "generator q", "b strong");
      axis(high, [0, 0.5, 1]);
      path(high, (place) => Math.exp(log_data[data](place)), "area a", true);
      path(high, q, "area b", true);

      const judge = d3.scaleLinear([0, 1], [236, 172]);
      live.word(svg, 46, 160, "best discriminator D", "c strong");
      axis(judge, [0, 0.5, 1]);
      svg
        .append("path")
        .attr("class", "stroke thin dashed")
        .attr("d", `M40,${judge(0.5)}H446`);
      const answer = (place) => 1 / (1 + Math.exp(log_normal(place, mean, width) - log_data[data](place)));
      path(judge, answer, "stroke c");

      const cost = d3.scaleLinear([0, 0.75], [340, 272]);
      live.word(svg, 46, 260, "JS", "d strong");
      live.word(svg, 72, 260, "and Wasserstein / 10 (dashed), if q lay there");
      axis(cost, [0, 0.3, 0.6]);
      svg.append("g").attr("class", "axis").attr("transform", "translate(0,340)").call(d3.axisBottom(x).ticks(8));
      live.word(svg, 243, 378, "x, and the mean of q", "middle");
      const over = (key, part, names) => {
        const line = d3
          .line(
            ([place]) => x(place),
            ([, sums]) => cost(sums[key] / part)
          )
          .digits(1);
        svg.append("path").attr("class", names).attr("d", line(curve));
      };
      over("js", 1, "stroke d");
      over("w", 10, "stroke dashed");
      for (const [value, names] of [
        [js, "dot d"],
        [w / 10, "dot"],
      ])
        svg.append("circle").attr("class", names).attr("cx", x(mean)).attr("cy", cost(value)).attr("r", 6);

      // the pull of the chosen loss: against its gradient, at most so long
      const pull = live.within(-60 * gradients[loss], -70, 70);
      const [from, y] = [x(mean), high(peak(width))];
      if (Math.abs(pull) > 12) live.arrow(svg, from, y, live.within(from + pull, 10, 450), y, "b");
      live.handle(svg, "peak", from, y, "The generator: sideways its mean, upwards narrower");
    },
  });
})();
