import { type ImageProcessorConfig, refuseConfig } from './image-processor-config.ts';
import type { Box } from './picture.ts';
import type { Size } from './resize.ts';
import { roundHalfEven } from './round-half-even.ts';

/** The size that a picture is resized to, and the part of that which the model sees: it may reach beyond the picture. */
export interface Layout {
  readonly size: Size;
  readonly box: Box;
}

type ResizeRule = (picture: Size) => Size;
type WantedSize = NonNullable<ImageProcessorConfig['size']>;

/** Processors whose `size` is the shortest edge when it is a bare number; the others resize to a square. */
const shortestEdgeKinds = /^(?:CLIP|ChineseCLIP|Bit|ConvNext|Levit|PoolFormer|MobileViT|MobileNetV1|MobileNetV2)$/;
/** Detectors: the longest edge counts first, and a bare number is the shortest one. */
const detectorKinds = /^(?:Detr|ConditionalDetr|DeformableDetr|GroundingDino|Deta|Yolos)$/;
/** Their sides are rounded up to size_divisor. */
const upwardKinds = /^(?:MaskFormer|Mask2Former|OneFormer|TextNet)$/;

/**
 * How pictures are laid out for one model. `inputSize` is used where the config names no size. Throws model_failed.
 * Source of the rules: Hugging Face transformers, models/<kind>/image_processing_<kind>.py and image_transforms.py;
 * of the letterbox: Ultralytics' LetterBox (centre) and YOLOX's preproc (top left).
 */
export function createLayout(config: ImageProcessorConfig, kind: string, inputSize?: Size): (picture: Size) => Layout {
  const wanted = config.size ?? inputSize;
  if (config.do_letterbox) return letterbox(config, wanted);
  const chosen = chooseResize(config, kind, wanted);
  const resized = kind === 'Swin2SR' ? chosen : divisible(chosen, config, kind);
  const multiple = paddedMultiple(config, kind);
  if (multiple !== undefined) return padToMultiple(resized, multiple);
  const crop = chooseCrop(config, kind, wanted);
  const halve = kind === 'TimmWrapper' ? halveAsTorchvision : (rest: number) => Math.floor(rest / 2);
  return (picture) => {
    const size = resized(picture);
    if (!crop) return { size, box: { left: 0, top: 0, width: size.width, height: size.height } };
    const left = halve(size.width - crop.width);
    const top = halve(size.height - crop.height);
    return { size, box: { left, top, width: crop.width, height: crop.height } };
  };
}

function letterbox(config: ImageProcessorConfig, wanted?: WantedSize): (picture: Size) => Layout {
  const canvas = typeof wanted === 'number' ? { height: wanted, width: wanted } : wanted;
  if (!canvas || !('height' in canvas)) return refuseConfig('do_letterbox needs a size with height and width');
  const { height, width } = canvas;
  const centred = config.pad_position === 'center';
  const whole = centred ? roundHalfEven : Math.trunc;
  return (picture) => {
    const scale = Math.min(height / picture.height, width / picture.width);
    const size = { width: whole(picture.width * scale), height: whole(picture.height * scale) };
    // Half a pixel goes to the right and to the bottom.
    const before = (rest: number) => (centred ? -Math.round(rest / 2 - 0.1) : 0);
    const box = { left: before(width - size.width), top: before(height - size.height), width, height };
    return { size, box };
  };
}

/** The multiple that pictures are padded to by their own mirror image; newer files of Swin2SR name it size_divisor. */
export function paddedMultiple(config: ImageProcessorConfig, kind: string): number | undefined {
  if (config.do_pad === false) return undefined;
  if (typeof config.pad_size === 'number') return config.pad_size;
  return kind === 'Swin2SR' ? (config.size_divisor ?? 8) : undefined;
}

/** Always by at least one pixel, also where the side is a multiple already: Swin2SR's way. */
function padToMultiple(resized: ResizeRule, multiple: number): (picture: Size) => Layout {
  const padded = (length: number) => (Math.floor(length / multiple) + 1) * multiple;
  return (picture) => {
    const size = resized(picture);
    return { size, box: { left: 0, top: 0, width: padded(size.width), height: padded(size.height) } };
  };
}

/** Sides that are multiples of size_divisor: more for segmenters and TextNet, less for others. */
function divisible(resized: ResizeRule, { size_divisor: divisor }: ImageProcessorConfig, kind: string): ResizeRule {
  if (!divisor) return resized;
  const round = upwardKinds.test(kind) ? Math.ceil : Math.floor;
  const fit = (length: number) => round(length / divisor) * divisor;
  return (picture) => {
    const { width, height } = resized(picture);
    return { width: fit(width), height: fit(height) };
  };
}

/** The offset of torchvision's CenterCrop, which timm uses: half a pixel goes to the even one, padding is less on the left. */
function halveAsTorchvision(rest: number): number {
  return rest < 0 ? Math.ceil(rest / 2) : Math.floor(rest / 2) + (rest % 4 === 3 ? 1 : 0);
}

function chooseResize(config: ImageProcessorConfig, kind: string, wanted?: WantedSize): ResizeRule {
  if (config.do_resize === false || kind === 'Swin2SR') return (picture) => picture;
  if (kind === 'GLPN' && config.size_divisor) return (picture) => picture;
  if (wanted === undefined) return refuseConfig('it has no size');
  const cropPct = cropShare(config, kind);
  const edge = edgeOf(wanted, kind);
  if (cropPct !== undefined && edge !== undefined) {
    if (kind === 'ConvNext' && edge >= 384) return () => ({ width: edge, height: edge });
    return (picture) => byShortestEdge(picture, Math.trunc(edge / cropPct));
  }
  if (kind === 'Levit' && edge !== undefined)
    return (picture) => byShortestEdge(picture, Math.trunc((256 / 224) * edge));
  if (kind === 'DPT') return (picture) => byMultiple(picture, squareOf(wanted), config);
  return bySize(config, kind, wanted);
}

function bySize(config: ImageProcessorConfig, kind: string, wanted: WantedSize): ResizeRule {
  const maximum = config.max_size ?? undefined;
  if (typeof wanted === 'number') {
    if (detectorKinds.test(kind)) return (picture) => byDetectorEdges(picture, wanted, kind, maximum ?? 1333);
    return (picture) =>
      shortestEdgeKinds.test(kind) || maximum !== undefined
        ? byShortestEdge(picture, wanted, maximum)
        : { width: wanted, height: wanted };
  }
  if ('height' in wanted) return () => ({ width: wanted.width, height: wanted.height });
  if ('shortest_edge' in wanted) {
    const longest = wanted.longest_edge ?? maximum;
    return (picture) =>
      detectorKinds.test(kind)
        ? byDetectorEdges(picture, wanted.shortest_edge, kind, longest)
        : byShortestEdge(picture, wanted.shortest_edge, longest);
  }
  return (picture) => {
    const scale = wanted.longest_edge / Math.max(picture.width, picture.height);
    return { width: Math.trunc(picture.width * scale + 0.5), height: Math.trunc(picture.height * scale + 0.5) };
  };
}

/** The edge that crop_pct and Levit enlarge; undefined where the size is no square and no shortest edge. */
function edgeOf(wanted: WantedSize, kind: string): number | undefined {
  if (typeof wanted === 'number') return kind === '' || shortestEdgeKinds.test(kind) ? wanted : undefined;
  if ('shortest_edge' in wanted) return wanted.shortest_edge;
  return 'height' in wanted && wanted.height === wanted.width ? wanted.height : undefined;
}

function byShortestEdge({ width, height }: Size, edge: number, longest = Number.POSITIVE_INFINITY): Size {
  const short = Math.min(width, height);
  let newShort = edge;
  let newLong = Math.trunc((edge * Math.max(width, height)) / short);
  if (newLong > longest) {
    newShort = Math.trunc((longest * newShort) / newLong);
    newLong = longest;
  }
  return width <= height ? { width: newShort, height: newLong } : { width: newLong, height: newShort };
}

/** transformers' get_size_with_aspect_ratio: the short edge is rounded, the long one cut off; YOLOS goes down to 16s. */
function byDetectorEdges({ width, height }: Size, edge: number, kind: string, longest?: number): Size {
  const short = Math.min(width, height);
  const long = Math.max(width, height);
  const raw = longest !== undefined && (long / short) * edge > longest ? (longest * short) / long : edge;
  const newShort = roundHalfEven(raw);
  const newLong = short === newShort ? long : Math.trunc((raw * long) / short);
  const fit = (length: number) => (kind === 'Yolos' ? length - (length % 16) : length);
  return width < height
    ? { width: fit(newShort), height: fit(newLong) }
    : { width: fit(width === height ? newShort : newLong), height: fit(newShort) };
}

/** DPT: each side a multiple, the picture's shape kept by the scale that changes less. */
function byMultiple(picture: Size, wanted: Size, config: ImageProcessorConfig): Size {
  const multiple = config.ensure_multiple_of ?? 1;
  let across = wanted.width / picture.width;
  let down = wanted.height / picture.height;
  if (config.keep_aspect_ratio) {
    if (Math.abs(1 - across) < Math.abs(1 - down)) down = across;
    else across = down;
  }
  const fit = (length: number) => roundHalfEven(length / multiple) * multiple;
  return { width: fit(across * picture.width), height: fit(down * picture.height) };
}

function squareOf(wanted: WantedSize): Size {
  if (typeof wanted === 'number') return { width: wanted, height: wanted };
  return 'height' in wanted ? wanted : refuseConfig('its size needs height and width');
}

function cropShare(config: ImageProcessorConfig, kind: string): number | undefined {
  return config.crop_pct ?? (kind === 'ConvNext' ? 224 / 256 : undefined);
}

function chooseCrop(config: ImageProcessorConfig, kind: string, wanted?: WantedSize): Size | undefined {
  const { crop_size: size } = config;
  if (config.do_center_crop ?? (size !== undefined && size !== null)) {
    if (size === undefined || size === null) return refuseConfig('it has do_center_crop and no crop_size');
    return typeof size === 'number' ? { width: size, height: size } : size;
  }
  const edge = wanted === undefined ? undefined : edgeOf(wanted, kind);
  return cropShare(config, kind) !== undefined && edge !== undefined ? { width: edge, height: edge } : undefined;
}
