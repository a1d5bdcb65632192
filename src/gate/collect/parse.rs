//! Source text to [`Module`]. Types are passed over, as TypeScript elides them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    BindingPattern, Declaration, ExportDefaultDeclarationKind, Expression, ImportDeclaration,
    ImportDeclarationSpecifier, ModuleExportName, Program, Statement, TSModuleReference, VariableDeclaration,
    VariableDeclarationKind,
};
use oxc_ast_visit::Visit;
use oxc_parser::Parser;
use oxc_span::{SourceType, Span};

use super::absence::Absence;
use super::module::{
    Asked, Circumstance, Edge, Exported, Item, Module, Place, RuntimeDeclaration, RuntimeForm,
};
use super::nesting::is_too_deep;
use super::visit::Walk;

/// Parses a file. TypeScript imports that are never used as values are left out, unless `keep_unused`
/// (`verbatimModuleSyntax`) says that the compiler keeps them.
///
/// # Errors
/// The text is not JavaScript or TypeScript; says where.
pub fn parse(path: &Path, text: &str, keep_unused: bool) -> Result<Module, String> {
    if is_too_deep(text) {
        return Err("nested too deeply".to_owned());
    }
    let allocator = Allocator::default();
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("ts" | "mts" | "cts") => SourceType::ts(),
        Some("tsx") => SourceType::tsx(),
        // Next.js compiles JSX in `.js` too.
        _ => SourceType::jsx(),
    };
    let mut parsed = Parser::new(&allocator, text, kind).parse();
    if parsed.panicked && !kind.is_typescript() {
        // Packages ship sloppy scripts as well.
        parsed = Parser::new(&allocator, text, SourceType::cjs()).parse();
    }
    if parsed.panicked {
        return Err("not understood as JavaScript or TypeScript".to_owned());
    }
    let lines = Lines::new(text);
    Ok(Reader { lines: &lines, module: Module::default(), referred: BTreeSet::new() }
        .read(&parsed.program, kind.is_typescript() && !keep_unused))
}

/// Where the lines of a text begin.
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// Characters before every [`BLOCK_BYTES`]th byte: a line may be as long as its file.
    before: Vec<usize>,
}

/// Bytes that are counted at most to find a column.
const BLOCK_BYTES: usize = 1024;

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Lines<'t> {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        let mut before = vec![0];
        let mut sum = 0;
        for block in text.as_bytes().chunks(BLOCK_BYTES) {
            sum += begun(block);
            before.push(sum);
        }
        Lines { text, starts: starts.collect(), before }
    }

    /// Characters that begin before a byte.
    fn characters(&self, offset: usize) -> usize {
        let block = offset / BLOCK_BYTES;
        let rest = self.text.as_bytes().get(block * BLOCK_BYTES..offset).unwrap_or_default();
        self.before.get(block).copied().unwrap_or_default() + begun(rest)
    }

    /// The place of a byte offset.
    pub fn place(&self, span: Span) -> Place {
        let offset = span.start as usize;
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.characters(offset).saturating_sub(self.characters(start)) + 1;
        Place {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

/// Characters that begin in these bytes of UTF-8.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

struct Reader<'l, 't> {
    lines: &'l Lines<'t>,
    module: Module,
    referred: BTreeSet<String>,
}

impl Reader<'_, '_> {
    fn read(mut self, program: &Program<'_>, elide: bool) -> Module {
        let says = |text: &str| program.directives.iter().any(|one| one.directive.as_str() == text);
        self.module.client = says("use client");
        self.module.server = says("use server");
        self.module.common_js = true;
        let bound = super::visit::bound_names(program);
        let absence = Absence::of(program);
        for (number, statement) in program.body.iter().enumerate() {
            self.statement(number, statement, &bound, &absence);
        }
        if elide {
            self.elide();
        }
        self.module.index();
        self.module
    }

    fn statement(
        &mut self,
        number: usize,
        statement: &Statement<'_>,
        bound: &BTreeSet<String>,
        absence: &Absence,
    ) {
        let mut item = Item::default();
        let mut function = false;
        match statement {
            Statement::ImportDeclaration(import) => {
                self.module.common_js = false;
                self.import(number, import);
            }
            Statement::ExportAllDeclaration(all) => {
                self.module.common_js = false;
                if !all.export_kind.is_type() {
                    let edge = self.edge(number, all.source.value.as_str(), all.span, BTreeMap::new());
                    match &all.exported {
                        Some(name) => {
                            self.module.exports.insert(named(name), Exported::From(edge, "*".to_owned()));
                        }
                        None => self.module.stars.push(edge),
                    }
                }
            }
            Statement::ExportFromDeclaration(from) => {
                self.module.common_js = false;
                let names: Vec<_> = from.specifiers.iter().filter(|one| !one.export_kind.is_type()).collect();
                if !from.export_kind.is_type() && (!names.is_empty() || from.specifiers.is_empty()) {
                    let edge = self.edge(number, from.source.value.as_str(), from.span, BTreeMap::new());
                    for one in names {
                        if named(&one.exported) == "runtime" {
                            self.runtime(RuntimeForm::Reexported, one.span);
                        }
                        self.module
                            .exports
                            .insert(named(&one.exported), Exported::From(edge, named(&one.local)));
                    }
                }
            }
            Statement::ExportNamedDeclaration(export) => {
                self.module.common_js = false;
                for one in export.specifiers.iter().filter(|one| !one.export_kind.is_type()) {
                    self.referred.insert(named(&one.local));
                    self.module.exports.insert(named(&one.exported), Exported::Local(named(&one.local)));
                }
            }
            Statement::ExportDeclaration(export) => {
                self.module.common_js = false;
                declared(&export.declaration, &mut item.declares);
                for name in item.declares.clone() {
                    self.module.exports.insert(name.clone(), Exported::Local(name));
                }
                if let Declaration::VariableDeclaration(variables) = &export.declaration {
                    self.declared_runtime(variables);
                }
                (function, item.effect) = nature(&export.declaration);
                item.class = matches!(&export.declaration, Declaration::ClassDeclaration(_));
            }
            Statement::ExportDefaultDeclaration(export) => {
                self.module.common_js = false;
                item.declares.insert("default".to_owned());
                let id = match &export.declaration {
                    ExportDefaultDeclarationKind::FunctionDeclaration(it) => {
                        function = true;
                        it.id.as_ref()
                    }
                    ExportDefaultDeclarationKind::ClassDeclaration(it) => {
                        item.class = true;
                        it.id.as_ref()
                    }
                    ExportDefaultDeclarationKind::ArrowFunctionExpression(_) => {
                        function = true;
                        None
                    }
                    _ => {
                        item.effect = true;
                        None
                    }
                };
                item.declares.extend(id.map(|id| id.name.to_string()));
                self.module.exports.insert("default".to_owned(), Exported::Local("default".to_owned()));
            }
            Statement::TSImportEqualsDeclaration(import) => {
                if let TSModuleReference::ExternalModuleReference(outer) = &import.module_reference
                    && !import.import_kind.is_type()
                {
                    let bindings = BTreeMap::from([(import.id.name.to_string(), "*".to_owned())]);
                    self.edge(number, outer.expression.value.as_str(), import.span, bindings);
                }
            }
            other => match other.as_declaration() {
                Some(declaration) => {
                    declared(declaration, &mut item.declares);
                    (function, item.effect) = nature(declaration);
                    item.class = matches!(declaration, Declaration::ClassDeclaration(_));
                }
                None => item.effect = true,
            },
        }
        let when = Circumstance { item: number, in_function_item: function, ..Circumstance::default() };
        let mut walk = Walk::new(self.lines, &mut self.module, bound, absence, when);
        walk.visit_statement(statement);
        item.refers = walk.referred;
        self.referred.extend(item.refers.iter().cloned());
        self.module.items.push(item);
    }

    fn import(&mut self, number: usize, import: &ImportDeclaration<'_>) {
        if import.import_kind.is_type() {
            return;
        }
        let mut bindings = BTreeMap::new();
        let mut types = false;
        for one in import.specifiers.iter().flatten() {
            match one {
                ImportDeclarationSpecifier::ImportSpecifier(one) if one.import_kind.is_type() => types = true,
                ImportDeclarationSpecifier::ImportSpecifier(one) => {
                    bindings.insert(one.local.name.to_string(), named(&one.imported));
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => {
                    bindings.insert(one.local.name.to_string(), "default".to_owned());
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(one) => {
                    bindings.insert(one.local.name.to_string(), "*".to_owned());
                }
            }
        }
        if bindings.is_empty() && types {
            return;
        }
        self.edge(number, import.source.value.as_str(), import.span, bindings);
    }

    fn edge(
        &mut self,
        item: usize,
        specifier: &str,
        span: Span,
        bindings: BTreeMap<String, String>,
    ) -> usize {
        self.module.edges.push(Edge {
            specifier: specifier.to_owned(),
            place: self.lines.place(span),
            asked: Asked::Import,
            when: Circumstance { item, ..Circumstance::default() },
            bare: bindings.is_empty(),
            bindings,
        });
        self.module.edges.len() - 1
    }

    fn runtime(&mut self, form: RuntimeForm, span: Span) {
        self.module.runtime = Some(RuntimeDeclaration { form, place: self.lines.place(span) });
    }

    /// `export const runtime = …` and `export const config = { runtime: … }`.
    fn declared_runtime(&mut self, variables: &VariableDeclaration<'_>) {
        for one in &variables.declarations {
            let BindingPattern::BindingIdentifier(id) = &one.id else { continue };
            let Some(init) = &one.init else { continue };
            if id.name.as_str() == "runtime" {
                let form = match (text_of(init), text_of(init.get_inner_expression())) {
                    (Some(value), _) if variables.kind == VariableDeclarationKind::Const => {
                        RuntimeForm::Literal(value)
                    }
                    (Some(value), _) => RuntimeForm::NotConst(value),
                    (None, Some(value)) => RuntimeForm::Wrapped(value),
                    (None, None) => RuntimeForm::Computed,
                };
                self.runtime(form, one.span);
            } else if id.name.as_str() == "config"
                && let Expression::ObjectExpression(object) = init.get_inner_expression()
            {
                for property in object.properties.iter().filter_map(|property| property.as_property()) {
                    if property.key.static_name().as_deref() == Some("runtime") {
                        let form = text_of(property.value.get_inner_expression())
                            .map_or(RuntimeForm::Computed, RuntimeForm::Config);
                        self.runtime(form, property.span);
                    }
                }
            }
        }
    }

    /// Drops imports of which no name is used as a value. Edge numbers in exports are of `export … from`, which has no
    /// bindings and stays; they are counted anew.
    fn elide(&mut self) {
        let kept: Vec<bool> = self
            .module
            .edges
            .iter()
            .map(|edge| edge.bare || edge.bindings.keys().any(|name| self.referred.contains(name)))
            .collect();
        let mut sum = 0;
        let mut numbers = Vec::with_capacity(kept.len());
        for kept in &kept {
            numbers.push(sum);
            sum += usize::from(*kept);
        }
        let number = |old: usize| numbers.get(old).copied().unwrap_or_default();
        for exported in self.module.exports.values_mut() {
            if let Exported::From(edge, _) = exported {
                *edge = number(*edge);
            }
        }
        for star in &mut self.module.stars {
            *star = number(*star);
        }
        let mut flags = kept.iter();
        self.module.edges.retain(|_| flags.next().is_none_or(|kept| *kept));
    }
}

fn named(name: &ModuleExportName<'_>) -> String {
    name.name().to_string()
}

/// The text of a literal: a string, or a template without holes.
pub fn text_of(expression: &Expression<'_>) -> Option<String> {
    match expression {
        Expression::StringLiteral(literal) => Some(literal.value.to_string()),
        Expression::TemplateLiteral(template) if template.expressions.is_empty() => {
            template.quasis.first().map(|part| part.value.raw.to_string())
        }
        _ => None,
    }
}

fn declared(declaration: &Declaration<'_>, names: &mut BTreeSet<String>) {
    match declaration {
        Declaration::VariableDeclaration(variables) => {
            for one in &variables.declarations {
                names.extend(one.id.get_binding_identifiers().iter().map(|id| id.name.to_string()));
            }
        }
        Declaration::FunctionDeclaration(it) => names.extend(it.id.iter().map(|id| id.name.to_string())),
        Declaration::ClassDeclaration(it) => names.extend(it.id.iter().map(|id| id.name.to_string())),
        Declaration::TSEnumDeclaration(it) => names.extend([it.id.name.to_string()]),
        _ => {}
    }
}

/// Whether a declaration is one function, and whether it does something when it is loaded.
fn nature(declaration: &Declaration<'_>) -> (bool, bool) {
    match declaration {
        Declaration::FunctionDeclaration(_) => (true, false),
        Declaration::VariableDeclaration(variables) => {
            let inits: Vec<_> = variables.declarations.iter().filter_map(|one| one.init.as_ref()).collect();
            let functions = inits.iter().all(|init| is_function(init));
            (functions && !inits.is_empty(), !inits.iter().all(|init| is_function(init) || is_still(init)))
        }
        _ => (false, false),
    }
}

fn is_function(expression: &Expression<'_>) -> bool {
    matches!(
        expression.get_inner_expression(),
        Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_)
    )
}

/// Evaluating it does nothing, whatever stands in it.
fn is_still(expression: &Expression<'_>) -> bool {
    match expression.get_inner_expression() {
        Expression::ObjectExpression(object) => object.properties.iter().all(|property| {
            property.as_property().is_some_and(|it| is_function(&it.value) || is_still(&it.value))
        }),
        Expression::Identifier(_) => true,
        other => other.is_literal(),
    }
}
