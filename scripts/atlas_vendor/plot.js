export {plot, axisX, axisY, dot, gridY, line, ruleX, ruleY, text, barX, barY, rect, link} from "@observablehq/plot";
