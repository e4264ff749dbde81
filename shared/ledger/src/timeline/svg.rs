//! The picture as SVG.

use std::fmt::Write as _;

use super::Theme;
use super::bars::{Bar, Density};
use super::layout::{Anchor, Font, Layout, Mark, Sample, Sizes, Text};
use super::lives::Phase;
use super::model::Lane;
use super::text::escaped;
use super::theme::Palette;

/// The fonts of the systems; `LABEL_WIDTH` and `MONO_WIDTH` bound their widths.
const FONT: &str = "system-ui,'Segoe UI',Helvetica,Arial,sans-serif";
const MONO_FONT: &str = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace";

/// The picture of a layout. `ids` begins the ids of the table's rows and of the hatching.
pub(super) fn text(layout: &Layout, theme: Theme, ids: &str) -> String {
    let palette = theme.palette();
    let mut svg = Svg { out: String::new(), layout, palette, ids };
    svg.begin();
    svg.grid();
    if let Some(sizes) = &layout.sizes {
        svg.sizes(sizes);
    }
    svg.gaps();
    svg.marks();
    svg.bars();
    svg.densities();
    svg.legend();
    svg.texts();
    svg.out.push_str("</svg>\n");
    svg.out
}

struct Svg<'a> {
    out: String,
    layout: &'a Layout,
    palette: &'static Palette,
    ids: &'a str,
}

/// Appends to the picture. Writing to a `String` cannot fail.
macro_rules! put {
    ($svg:expr, $($format:tt)*) => { _ = write!($svg.out, $($format)*) };
}

impl Svg<'_> {
    fn begin(&mut self) {
        let Layout { width, height, title, .. } = self.layout;
        let Palette { background, line, .. } = self.palette;
        put!(self, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" ");
        put!(self, "viewBox=\"0 0 {width} {height}\" role=\"group\" aria-label=\"{}\" ", escaped(title));
        put!(self, "font-family=\"{}\" font-size=\"11\">\n", FONT);
        put!(self, "<defs><pattern id=\"{}gap\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">", self.ids);
        put!(self, "<path d=\"M-1 9L9-1\" stroke=\"{line}\"/></pattern></defs>\n");
        put!(self, "<rect width=\"{width}\" height=\"{height}\" fill=\"{background}\"/>\n");
    }

    /// The lines of the axis.
    fn grid(&mut self) {
        let Layout { left, right, top, bottom, ticks, .. } = self.layout;
        put!(self, "<path fill=\"none\" stroke=\"{}\" d=\"M{left} {top}H{right}", self.palette.grid);
        for x in ticks {
            put!(self, "M{x} {top}V{bottom}");
        }
        put!(self, "\"/>\n");
    }

    fn gaps(&mut self) {
        let Layout { gaps, strips, .. } = self.layout;
        if !gaps.is_empty() {
            put!(self, "<path fill=\"url(#{}gap)\" d=\"", self.ids);
            for (top, bottom) in strips {
                for (x, length) in gaps {
                    put!(self, "M{x} {top}h{length}V{bottom}h-{length}z");
                }
            }
            put!(self, "\"/>\n");
        }
    }

    /// Begins a link to a row of the table, whose cell is the name of the link for assistive technology. The title is
    /// the name where the picture stands alone.
    fn link(&mut self, row: usize) {
        put!(self, "<a href=\"#{0}e{row}\" aria-labelledby=\"{0}e{row}\"><title>", self.ids);
        put!(self, "{}</title>", escaped(&self.layout.rows[row].sentence));
    }

    fn sizes(&mut self, sizes: &Sizes) {
        let Palette { band, line, text, .. } = self.palette;
        self.link(sizes.row);
        if let [(x, y), rest @ ..] = sizes.max.as_slice() {
            put!(self, "<path fill=\"{band}\" d=\"M{x} {y}");
            self.forth(rest);
            self.back(&sizes.min);
            put!(self, "z\"/>");
        }
        for corners in [&sizes.max, &sizes.min] {
            self.line(corners, &format!("stroke=\"{line}\""));
        }
        self.line(&sizes.desired, &format!("stroke=\"{line}\" stroke-width=\"2\" stroke-dasharray=\"5 3\""));
        self.line(&sizes.in_service, &format!("stroke=\"{text}\" stroke-width=\"2\""));
        let (Layout { left, right, .. }, bottom) = (self.layout, sizes.bottom);
        put!(self, "<path stroke=\"{line}\" d=\"M{left} {bottom}H{right}\"/></a>\n");
    }

    fn line(&mut self, corners: &[(i32, i32)], style: &str) {
        if let [(x, y), rest @ ..] = corners {
            put!(self, "<path fill=\"none\" {style} d=\"M{x} {y}");
            self.forth(rest);
            put!(self, "\"/>");
        }
    }

    fn forth(&mut self, corners: &[(i32, i32)]) {
        for (x, y) in corners {
            put!(self, "H{x}V{y}");
        }
    }

    /// The curve of the corners from its end to its beginning.
    fn back(&mut self, corners: &[(i32, i32)]) {
        for at in (0..corners.len()).rev() {
            put!(self, "V{}H{}", corners[at].1, corners[at].0);
        }
    }

    fn marks(&mut self) {
        if self.layout.marks.is_empty() {
            return;
        }
        // A hollow mark hides no mark beside it, and is whole for the pointer.
        put!(self, "<g stroke=\"{}\" fill=\"none\" pointer-events=\"all\">\n", self.palette.line);
        for mark in &self.layout.marks {
            self.link(mark.row);
            self.mark(mark);
            put!(self, "</a>\n");
        }
        put!(self, "</g>\n");
    }

    fn mark(&mut self, mark: &Mark) {
        let Mark { x, y, .. } = *mark;
        let colours =
            if mark.is_bad { format!(" stroke=\"{0}\" fill=\"{0}\"", self.palette.mark) } else { String::new() };
        match mark.lane {
            Lane::Failures => put!(self, "<path{colours} stroke-width=\"2\" d=\"M{} {}l8 8m0-8l-8 8\"/>", x - 4, y - 4),
            Lane::Alarms => put!(self, "<path{colours} d=\"M{x} {}l5 9h-10z\"/>", y - 5),
            Lane::Interruptions => put!(self, "<path{colours} d=\"M{} {}h6l-3 4h4l-7 7l2-6h-3z\"/>", x - 2, y - 6),
            Lane::Rollouts => put!(self, "<path{colours} d=\"M{x} {}l5 5l-5 5l-5-5z\"/>", y - 5),
            Lane::Requests => put!(self, "<path{colours} d=\"M{} {}h8v8h-8z\"/>", x - 4, y - 4),
            Lane::Capacity => put!(self, "<path{colours} d=\"M{} {}l4-5l4 5zm0 4l4 5l4-5z\"/>", x - 4, y - 2),
            Lane::Other => put!(self, "<circle{colours} cx=\"{x}\" cy=\"{y}\" r=\"3\"/>"),
        }
    }

    fn bars(&mut self) {
        if self.layout.bars.is_empty() {
            return;
        }
        put!(self, "<g fill=\"none\">\n");
        for bar in &self.layout.bars {
            self.link(bar.row);
            self.bar(bar);
            put!(self, "</a>\n");
        }
        put!(self, "</g>\n");
    }

    fn bar(&mut self, bar: &Bar) {
        let colour = self.palette.version(bar.version);
        for (phase, parts) in &bar.parts {
            put!(self, "<path stroke=\"{colour}\" {} d=\"", style(*phase, bar.thickness));
            for (x, length) in parts {
                put!(self, "M{x} {}h{length}", bar.y);
            }
            put!(self, "\"/>");
        }
    }

    fn densities(&mut self) {
        for density in &self.layout.densities {
            self.density(density);
        }
    }

    fn density(&mut self, density: &Density) {
        self.link(density.row);
        if let [(x, y), rest @ ..] = density.corners.as_slice() {
            let (colour, bottom) = (self.palette.version(density.version), density.bottom);
            put!(self, "<path fill=\"{colour}\" d=\"M{x} {bottom}V{y}");
            self.forth(rest);
            put!(self, "V{bottom}z\"/>");
        }
        put!(self, "</a>\n");
    }

    fn legend(&mut self) {
        for (sample, x, y) in &self.layout.legend {
            self.sample(*sample, *x, *y);
        }
    }

    fn sample(&mut self, sample: Sample, x: i32, y: i32) {
        let Palette { band, line, text, mark, background, unknown, .. } = self.palette;
        let top = y - 5;
        match sample {
            Sample::Band => put!(self, "<path fill=\"{band}\" stroke=\"{line}\" d=\"M{x} {top}h20v10h-20z\"/>\n"),
            Sample::Desired => {
                put!(self, "<path stroke=\"{line}\" stroke-width=\"2\" stroke-dasharray=\"5 3\" d=\"M{x} {y}h20\"/>\n");
            }
            Sample::InService => put!(self, "<path stroke=\"{text}\" stroke-width=\"2\" d=\"M{x} {y}h20\"/>\n"),
            Sample::Phase(phase) => {
                put!(self, "<path stroke=\"{unknown}\" {} d=\"M{x} {y}h20\"/>\n", style(phase, 10));
            }
            Sample::Density => put!(self, "<path fill=\"{unknown}\" d=\"M{x} {}v-6h8v-4h12v10z\"/>\n", y + 5),
            Sample::Gap => put!(self, "<path fill=\"url(#{}gap)\" d=\"M{x} {top}h20v10h-20z\"/>\n", self.ids),
            Sample::Mark { is_bad } => {
                let (stroke, fill) = if is_bad { (mark, mark) } else { (line, background) };
                put!(self, "<circle stroke=\"{stroke}\" fill=\"{fill}\" cx=\"{}\" cy=\"{y}\" r=\"4\"/>\n", x + 10);
            }
        }
    }

    fn texts(&mut self) {
        put!(self, "<g fill=\"{}\">\n", self.palette.text);
        for Text { x, y, anchor, font, content } in &self.layout.texts {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let font = match font {
                Font::Label => String::new(),
                Font::Mono => format!(" font-family=\"{MONO_FONT}\""),
            };
            put!(self, "<text x=\"{x}\" y=\"{y}\"{anchor}{font}>{}</text>\n", escaped(content));
        }
        put!(self, "</g>\n");
    }
}

/// The stroke of a phase in a bar whose part in service has this thickness: no two are the same in width and dashes.
fn style(phase: Phase, thickness: i32) -> String {
    let (width, dashes) = match phase {
        Phase::Service => (thickness, ""),
        Phase::Gate => (thickness * 2 / 3, "3 2"),
        Phase::Terminating => (thickness / 2, ""),
        Phase::Pending => (2, ""),
        Phase::Aside => (2, "1 3"),
    };
    let dashes = if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dashes}\"") };
    format!("stroke-width=\"{width}\"{dashes}")
}
