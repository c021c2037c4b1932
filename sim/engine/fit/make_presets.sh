#!/bin/sh
# Makes the presets of sim/engine/presets/ that are fitted to grids of step times.
#     sim/engine/fit/make_presets.sh FOLDER-OF-GRIDS [FOLDER]        FAREBOX=build/farebox
# A line is: preset, grid, model, errors to expect of TPOT and TTFT (90th percentile), CPU time of a
# step and of a layer of a prefill in ms, what was not checked.
set -eu
farebox=${FAREBOX:-build/farebox} grids=$1 out=${2:-sim/engine/presets}

source="AIConfigurator-core 0.12's measured operator tables, Apache-2.0"
vllm70='Kernel times with a guess of the CPU time; published end-to-end figures of vLLM at TP 2 to 8 were met within 9 % in TPOT and 8 % in mean TTFT. Not checked: long contexts, prefix caching.'
b200='Kernel times with a guess of the CPU time: without it first tokens came 22 to 44 % too early against published figures. TPOT was not checked.'
small='Kernel times with a guess of the CPU time; not checked against a server.'
other='Kernel times, not checked against a server; a CPU-bound launch would be slower.'
r1='Kernel times without multi-token prediction, which halves TPOT at small batches; experts are taken as evenly used. Not checked against a server.'

while read -r preset grid model tpot ttft step layer caveat; do
    [ -n "$preset" ] || continue
    eval "text=\$$caveat"
    "$farebox" engine fit "$grids/grid-$grid.json" --model "$model" --expect-tpot "$tpot" \
        --expect-ttft "$ttft" --step-overhead "$step" --layer-overhead "$layer" --caveat "$text" --source "$source" \
        --force --quiet -o "$out/$preset.json" >/dev/null
done <<END
a100-llama-3.1-8b-tp1            a100-l8-tp1            llama-3.1-8b      0.25 0.60 0.2 0    small
h100-llama-3.1-8b-tp1            h100-l8-tp1            llama-3.1-8b      0.25 0.60 0.2 0    small
h200-llama-3.1-8b-tp1            h200-l8-tp1            llama-3.1-8b      0.25 0.60 0.2 0    small
b200-llama-3.1-8b-tp1            b200-l8-tp1            llama-3.1-8b      0.25 0.60 0.2 0.25 b200
l40s-llama-3.1-8b-tp1            l40s-l8-tp1            llama-3.1-8b      0.25 0.60 0.2 0    small
h100-llama-3.3-70b-tp4           h100-l70-tp4           llama-3.3-70b     0.15 0.25 0.2 0    vllm70
h100-llama-3.3-70b-tp8           h100-l70-tp8           llama-3.3-70b     0.15 0.25 0.2 0    vllm70
h200-llama-3.3-70b-tp2           h200-l70-tp2           llama-3.3-70b     0.15 0.25 0.2 0    vllm70
h200-llama-3.3-70b-tp4           h200-l70-tp4           llama-3.3-70b     0.15 0.25 0.2 0    vllm70
h200-llama-3.3-70b-tp8           h200-l70-tp8           llama-3.3-70b     0.15 0.25 0.2 0    vllm70
b200-llama-3.3-70b-tp2           b200-l70-tp2           llama-3.3-70b     0.25 0.60 0.2 0.25 b200
b200-llama-3.3-70b-tp4           b200-l70-tp4           llama-3.3-70b     0.25 0.60 0.2 0.25 b200
b200-llama-3.3-70b-tp8           b200-l70-tp8           llama-3.3-70b     0.25 0.60 0.2 0.25 b200
h100-llama-3.3-70b-fp8-tp2       h100-l70fp8-tp2        llama-3.3-70b-fp8 0.15 0.25 0.2 0    vllm70
h100-llama-3.3-70b-fp8-tp4       h100-l70fp8-tp4        llama-3.3-70b-fp8 0.15 0.25 0.2 0    vllm70
h100-llama-3.3-70b-fp8-tp8       h100-l70fp8-tp8        llama-3.3-70b-fp8 0.15 0.25 0.2 0    vllm70
h200-llama-3.3-70b-fp8-tp1       h200-l70fp8-tp1        llama-3.3-70b-fp8 0.15 0.25 0.2 0    vllm70
h200-llama-3.3-70b-fp8-tp2       h200-l70fp8-tp2        llama-3.3-70b-fp8 0.15 0.25 0.2 0    vllm70
h200-llama-3.3-70b-fp8-tp4       h200-l70fp8-tp4        llama-3.3-70b-fp8 0.15 0.25 0.2 0    vllm70
h200-llama-3.3-70b-fp8-tp8       h200-l70fp8-tp8        llama-3.3-70b-fp8 0.15 0.25 0.2 0    vllm70
b200-llama-3.3-70b-fp8-tp1       b200-l70fp8-tp1        llama-3.3-70b-fp8 0.25 0.60 0.2 0.25 b200
b200-llama-3.3-70b-fp8-tp2       b200-l70fp8-tp2        llama-3.3-70b-fp8 0.25 0.60 0.2 0.25 b200
b200-llama-3.3-70b-fp8-tp4       b200-l70fp8-tp4        llama-3.3-70b-fp8 0.25 0.60 0.2 0.25 b200
b200-llama-3.3-70b-fp8-tp8       b200-l70fp8-tp8        llama-3.3-70b-fp8 0.25 0.60 0.2 0.25 b200
h100-qwen3-32b-tp1               h100-q32-tp1           qwen3-32b         0.25 0.60 0.2 0    small
h100-qwen3-32b-tp2               h100-q32-tp2           qwen3-32b         0.25 0.60 0.2 0    small
h100-qwen3-32b-tp4               h100-q32-tp4           qwen3-32b         0.25 0.60 0.2 0    small
h200-qwen3-32b-tp1               h200-q32-tp1           qwen3-32b         0.25 0.60 0.2 0    small
h200-qwen3-32b-tp2               h200-q32-tp2           qwen3-32b         0.25 0.60 0.2 0    small
h200-qwen3-32b-tp4               h200-q32-tp4           qwen3-32b         0.25 0.60 0.2 0    small
b200-qwen3-32b-tp1               b200-q32-tp1           qwen3-32b         0.25 0.60 0.2 0.25 b200
b200-qwen3-32b-tp2               b200-q32-tp2           qwen3-32b         0.25 0.60 0.2 0.25 b200
b200-qwen3-32b-tp4               b200-q32-tp4           qwen3-32b         0.25 0.60 0.2 0.25 b200
h100-qwen3-32b-fp8-tp1           h100-q32fp8-tp1        qwen3-32b-fp8     0.25 0.60 0.2 0    small
h100-qwen3-32b-fp8-tp2           h100-q32fp8-tp2        qwen3-32b-fp8     0.25 0.60 0.2 0    small
h100-qwen3-32b-fp8-tp4           h100-q32fp8-tp4        qwen3-32b-fp8     0.25 0.60 0.2 0    small
h200-qwen3-32b-fp8-tp1           h200-q32fp8-tp1        qwen3-32b-fp8     0.25 0.60 0.2 0    small
h200-qwen3-32b-fp8-tp2           h200-q32fp8-tp2        qwen3-32b-fp8     0.25 0.60 0.2 0    small
h200-qwen3-32b-fp8-tp4           h200-q32fp8-tp4        qwen3-32b-fp8     0.25 0.60 0.2 0    small
b200-qwen3-32b-fp8-tp1           b200-q32fp8-tp1        qwen3-32b-fp8     0.25 0.60 0.2 0.25 b200
b200-qwen3-32b-fp8-tp2           b200-q32fp8-tp2        qwen3-32b-fp8     0.25 0.60 0.2 0.25 b200
b200-qwen3-32b-fp8-tp4           b200-q32fp8-tp4        qwen3-32b-fp8     0.25 0.60 0.2 0.25 b200
h200-qwen3-32b-fp8-trtllm-tp1    h200-q32fp8trt-tp1     qwen3-32b-fp8     0.25 0.60 0   0    other
b200-qwen3-32b-fp8-trtllm-tp1    b200-q32fp8trt-tp1     qwen3-32b-fp8     0.25 0.60 0   0    other
rtxpro6000-qwen3-30b-a3b-dp2ep2  rtxpro-q30-dp2ep2      qwen3-30b-a3b     0.25 0.60 0.2 0    small
h200-deepseek-r1-sglang-tp8      h200-r1-sglang-tp8ep1  deepseek-r1       0.35 0.60 0   0    r1
h200-deepseek-r1-sglang-ep8      h200-r1-sglang-tp8ep8  deepseek-r1       0.35 0.60 0   0    r1
h200-deepseek-r1-trtllm-tp8      h200-r1-trtllm-tp8ep1  deepseek-r1       0.35 0.60 0   0    r1
b200-deepseek-r1-sglang-tp8      b200-r1-sglang-tp8ep1  deepseek-r1       0.35 0.60 0   0    r1
b200-deepseek-r1-trtllm-tp8      b200-r1-trtllm-tp8ep1  deepseek-r1       0.35 0.60 0   0    r1
END
